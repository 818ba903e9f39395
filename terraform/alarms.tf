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

  # Tables whose nights are watched one by one; each alarm costs $0.10 a month.
  watched_tables = toset(coalesce(
    var.watched_tables,
    local.all_tables || contains(var.load_tables, "all") ? ["signatures"] : var.load_tables,
  ))

  # Of each table, as the program itself measures it (docs/how-to/alerts-and-metrics.md in its repository).
  watched_nights = merge([
    for table in local.watched_tables : {
      "${table}-no-full-load" = {
        about      = "No full export of ${table} was loaded for ${var.hours_without_load} hours."
        metric     = "csl-stream FullRows SampleCount"
        table      = table
        comparison = "LessThanThreshold"
        threshold  = 1
        period     = 3600
        periods    = var.hours_without_load
        # A table that is not loaded has no data.
        missing = "breaching"
      }
      "${table}-data-old" = {
        about      = "An export of ${table} was more than six hours old when it was in the table: loads wait, or take long."
        metric     = "csl-stream DataAge Maximum"
        table      = table
        comparison = "GreaterThanThreshold"
        threshold  = 21600
        period     = 300
        periods    = 1
        missing    = "notBreaching"
      }
    }
  ]...)

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

# The nights of the watched tables.
resource "aws_cloudwatch_metric_alarm" "night" {
  for_each = { for name, alarm in local.watched_nights : name => alarm if var.alarms }

  alarm_name          = "${var.name_prefix}-${each.key}"
  alarm_description   = each.value.about
  namespace           = split(" ", each.value.metric)[0]
  metric_name         = split(" ", each.value.metric)[1]
  statistic           = split(" ", each.value.metric)[2]
  dimensions          = { Table = each.value.table }
  period              = each.value.period
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.missing
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags
}

# Many more rows than the night before, or many fewer: the load itself stops only when half of a table is gone.
resource "aws_cloudwatch_metric_alarm" "rows_changed" {
  for_each = { for table in local.watched_tables : table => table if var.alarms }

  alarm_name          = "${var.name_prefix}-${each.key}-rows-changed"
  alarm_description   = "The last full export of ${each.key} has more than ${var.rows_change_percent} % more or fewer rows than the one before."
  threshold           = var.rows_change_percent
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "ignore"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags

  metric_query {
    id          = "change"
    expression  = "100 * ABS(rows - before) / before"
    label       = "change of rows in percent"
    return_data = true
  }

  metric_query {
    id = "rows"

    metric {
      namespace   = "csl-stream"
      metric_name = "FullRows"
      dimensions  = { Table = each.key }
      stat        = "Minimum"
      period      = 300
    }
  }

  metric_query {
    id = "before"

    metric {
      namespace   = "csl-stream"
      metric_name = "FullRowsBefore"
      dimensions  = { Table = each.key }
      stat        = "Minimum"
      period      = 300
    }
  }
}

# Any table whose load failed for good; one that comes again by itself is not among them.
resource "aws_cloudwatch_metric_alarm" "loads_failed" {
  count = var.alarms ? 1 : 0

  alarm_name          = "${var.name_prefix}-loads-failed"
  alarm_description   = "Loads failed; the messages of the failure topic say why."
  threshold           = 1
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  # Those who hear of the topic have heard already.
  alarm_actions = var.alarm_topic_arns
  ok_actions    = var.alarm_topic_arns
  tags          = local.tags

  metric_query {
    id          = "failed"
    expression  = "SELECT SUM(LoadsFailed) FROM SCHEMA(\"csl-stream\", Table)"
    label       = "loads that failed"
    period      = 300
    return_data = true
  }
}
