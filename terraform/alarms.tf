# What must wake somebody. All go to the failure topic of csl-stream's loads, and to alarm_topic_arns.

locals {
  alarm_actions = var.alarms ? concat([local.failure_topic_arn], var.alarm_topic_arns) : []

  # Every queue whose messages name exports that become unreadable after six hours.
  queues_with_exports = merge(
    { load = aws_sqs_queue.load.name },
    local.fargate ? { fargate = aws_sqs_queue.fargate[0].name } : {},
    local.loader_kept ? { loader = aws_sqs_queue.receiver_queue[0].name } : {},
  )
  queues_of_dead_letters = merge(
    { load = aws_sqs_queue.load_dead_letters.name },
    local.loader_kept ? { loader = aws_sqs_queue.loader_dead_letters[0].name } : {},
  )
  functions = merge(
    { receiver = aws_lambda_function.receiver_lambda.function_name, worker = aws_lambda_function.worker.function_name },
    local.loader_kept ? { loader = aws_lambda_function.loader[0].function_name } : {},
  )

  # What is watched: the metric, from where on it is too much, and who hears of it.
  watched = merge(
    {
      for name, queue in local.queues_with_exports : "${name}-queue-nearly-six-hours" => {
        about      = "An export waits in ${queue} and can soon be read no more: ControlShift keeps it for six hours."
        metric     = "AWS/SQS ApproximateAgeOfOldestMessage Maximum"
        dimensions = { QueueName = queue }
        # Four and a half hours leave time to do something about it.
        threshold = 16200
        periods   = 1
        tell      = local.alarm_actions
      }
    },
    {
      for name, queue in local.queues_of_dead_letters : "${name}-dead-letters" => {
        about      = "Exports were given up and lie in ${queue}. csl-stream dead-letters shows why, and sends them again."
        metric     = "AWS/SQS ApproximateNumberOfMessagesVisible Maximum"
        dimensions = { QueueName = queue }
        threshold  = 1
        periods    = 1
        tell       = local.alarm_actions
      }
    },
    {
      for name, function in local.functions : "${name}-errors" => {
        about      = "The function ${function} broke down or ran out of time."
        metric     = "AWS/Lambda Errors Sum"
        dimensions = { FunctionName = function }
        threshold  = 1
        periods    = 1
        tell       = local.alarm_actions
      }
    },
    {
      webhooks-refused = {
        about      = "Webhooks are answered with an error. ControlShift tries nine times, then it disables the endpoint."
        metric     = "AWS/ApiGateway 5XXError Sum"
        dimensions = { ApiName = aws_api_gateway_rest_api.receiver.name, Stage = aws_api_gateway_stage.production.stage_name }
        threshold  = 3
        periods    = 2
        tell       = local.alarm_actions
      }
      webhooks-turned-away = {
        about      = "Webhooks are turned away: the signing secret is not the one in ControlShift, their sender is not in webhook_allow_from, or they are more than webhook_burst."
        metric     = "AWS/ApiGateway 4XXError Sum"
        dimensions = { ApiName = aws_api_gateway_rest_api.receiver.name, Stage = aws_api_gateway_stage.production.stage_name }
        # A few are strangers who knock at any address.
        threshold = 10
        periods   = 2
        tell      = local.alarm_actions
      }
      loads-failed = {
        about      = "Loads failed; the messages of the failure topic say why."
        metric     = "AWS/SNS NumberOfMessagesPublished Sum"
        dimensions = { TopicName = local.all_tables ? var.failure_topic_name : var.failure_topic_name_for_run_glue_job_lambda }
        threshold  = 1
        periods    = 1
        # Those who hear of the topic have heard already; and an alarm that tells the topic sets itself off.
        tell = var.alarm_topic_arns
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "watched" {
  for_each = { for name, alarm in local.watched : name => alarm if var.alarms }

  alarm_name          = "${var.name_prefix}-${each.key}"
  alarm_description   = each.value.about
  namespace           = split(" ", each.value.metric)[0]
  metric_name         = split(" ", each.value.metric)[1]
  statistic           = split(" ", each.value.metric)[2]
  dimensions          = each.value.dimensions
  period              = 300
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = each.value.tell
  ok_actions          = each.value.tell
  tags                = local.tags
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
