# What must wake somebody. All go to the failure topic of csl-stream's loads, and to alarm_topic_arns.

locals {
  alarm_actions = var.alarms ? concat([local.failure_topic_arn], var.alarm_topic_arns) : []

  # Every queue whose messages name exports that become unreadable after six hours.
  queues_with_exports = var.alarms ? merge(
    { load = aws_sqs_queue.load.name },
    local.fargate ? { fargate = aws_sqs_queue.fargate[0].name } : {},
    local.loader_kept ? { loader = aws_sqs_queue.receiver_queue[0].name } : {},
  ) : {}
  queues_of_dead_letters = var.alarms ? merge(
    { load = aws_sqs_queue.load_dead_letters.name },
    local.loader_kept ? { loader = aws_sqs_queue.loader_dead_letters[0].name } : {},
  ) : {}
  functions = var.alarms ? merge(
    { receiver = aws_lambda_function.receiver_lambda.function_name, worker = aws_lambda_function.worker.function_name },
    local.loader_kept ? { loader = aws_lambda_function.loader[0].function_name } : {},
  ) : {}

  # An export can be read for six hours. At four and a half there is time to do something about it.
  old_seconds = 16200
}

resource "aws_cloudwatch_metric_alarm" "old_message" {
  for_each = local.queues_with_exports

  alarm_name          = "${var.name_prefix}-${each.key}-queue-nearly-six-hours"
  alarm_description   = "An export waits in ${each.value} and can soon be read no more: ControlShift keeps it for six hours."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = each.value }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = local.old_seconds
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = local.queues_of_dead_letters

  alarm_name          = "${var.name_prefix}-${each.key}-dead-letters"
  alarm_description   = "Exports were given up and lie in ${each.value}. csl-stream dead-letters shows why, and sends them again."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "function_errors" {
  for_each = local.functions

  alarm_name          = "${var.name_prefix}-${each.key}-errors"
  alarm_description   = "The function ${each.value} broke down or ran out of time."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = each.value }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  tags                = local.tags
}

# ControlShift disables an endpoint that fails nine times in a row.
resource "aws_cloudwatch_metric_alarm" "webhooks_refused" {
  count = var.alarms ? 1 : 0

  alarm_name          = "${var.name_prefix}-webhooks-refused"
  alarm_description   = "Webhooks are answered with an error. ControlShift tries nine times, then it disables the endpoint."
  namespace           = "AWS/ApiGateway"
  metric_name         = "5XXError"
  dimensions          = { ApiName = aws_api_gateway_rest_api.receiver.name, Stage = aws_api_gateway_stage.production.stage_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  threshold           = 3
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags
}

# Failures that the program could tell of by itself.
resource "aws_cloudwatch_metric_alarm" "loads_failed" {
  count = var.alarms ? 1 : 0

  alarm_name          = "${var.name_prefix}-loads-failed"
  alarm_description   = "Loads failed; the messages of the failure topic say why."
  namespace           = "AWS/SNS"
  metric_name         = "NumberOfMessagesPublished"
  dimensions          = { TopicName = local.all_tables ? var.failure_topic_name : var.failure_topic_name_for_run_glue_job_lambda }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  # Those who hear of the topic have heard already; and an alarm that tells the topic would set itself off.
  alarm_actions = var.alarm_topic_arns
  tags          = local.tags
}

# A night without a load: no webhook came, or nobody told of a failure. It counts messages of the success
# topic; with all tables, incremental loads count too, so it sounds when nothing at all is loaded.
resource "aws_cloudwatch_metric_alarm" "no_load" {
  count = var.alarms ? 1 : 0

  alarm_name          = "${var.name_prefix}-no-load"
  alarm_description   = "csl-stream has loaded nothing for ${var.hours_without_load} hours."
  namespace           = "AWS/SNS"
  metric_name         = "NumberOfMessagesPublished"
  dimensions          = { TopicName = local.all_tables ? var.success_topic_name : var.success_topic_name_for_run_glue_job_lambda }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = var.hours_without_load
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  # A topic that nobody publishes to has no data.
  treat_missing_data = "breaching"
  alarm_actions      = local.alarm_actions
  ok_actions         = local.alarm_actions
  tags               = local.tags
}
