# One page: webhooks in, loads out, what waits, what failed, what was said last.

locals {
  dashboard_logs = concat([aws_cloudwatch_log_group.worker.name], aws_cloudwatch_log_group.fargate[*].name)

  dashboard_metrics = [
    {
      title = "Webhooks and their errors"
      stat  = "Sum"
      metrics = [
        for metric in ["Count", "4XXError", "5XXError"] :
        ["AWS/ApiGateway", metric, "ApiName", aws_api_gateway_rest_api.receiver.name]
      ]
    },
    {
      title = "Loads that succeeded, failed, and are tried again"
      stat  = "Sum"
      metrics = [
        for metric in ["LoadsSucceeded", "LoadsFailed", "LoadsRetried"] :
        [{ expression = "SUM(SEARCH('{csl-stream,Table} MetricName=\"${metric}\"', 'Sum', 300))", label = metric, id = lower(metric) }]
      ]
    },
    {
      title = "Rows of full exports, and of the night before"
      stat  = "Maximum"
      metrics = [
        for metric in ["FullRows", "FullRowsBefore"] :
        [{ expression = "SEARCH('{csl-stream,Table} MetricName=\"${metric}\"', 'Maximum', 3600)", id = lower(metric) }]
      ]
    },
    {
      title = "Rows that were loaded and rejected"
      stat  = "Sum"
      metrics = [
        for metric in ["RowsLoaded", "RowsRejected"] :
        [{ expression = "SEARCH('{csl-stream,Table} MetricName=\"${metric}\"', 'Sum', 300)", id = lower(metric) }]
      ]
    },
    {
      title = "Age of an export when it was in its table, and the time of its load, in seconds"
      stat  = "Maximum"
      metrics = [
        for metric in ["DataAge", "LoadTime"] :
        [{ expression = "SEARCH('{csl-stream,Table} MetricName=\"${metric}\"', 'Maximum', 300)", id = lower(metric) }]
      ]
    },
    {
      title   = "Age of the oldest export that waits (an export lives for six hours)"
      stat    = "Maximum"
      metrics = [for queue in local.queues_with_exports : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue]]
    },
    {
      title   = "Dead letters"
      stat    = "Maximum"
      metrics = [for queue in local.queues_of_dead_letters : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue]]
    },
    {
      title   = "Duration of the functions"
      stat    = "Maximum"
      metrics = [for name in local.functions : ["AWS/Lambda", "Duration", "FunctionName", name]]
    },
    {
      title   = "Errors of the functions"
      stat    = "Sum"
      metrics = [for name in local.functions : ["AWS/Lambda", "Errors", "FunctionName", name]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "loads" {
  count = var.alarms ? 1 : 0

  dashboard_name = "${var.name_prefix}-loads-${var.aws_region}"
  dashboard_body = jsonencode({
    widgets = concat(
      [
        for at, metric in local.dashboard_metrics : {
          type   = "metric"
          x      = (at % 2) * 12
          y      = floor(at / 2) * 6
          width  = 12
          height = 6
          properties = {
            title   = metric.title
            stat    = metric.stat
            metrics = metric.metrics
            region  = var.aws_region
            period  = 300
            view    = "timeSeries"
          }
        }
      ],
      [
        {
          type   = "log"
          x      = 0
          y      = ceil(length(local.dashboard_metrics) / 2) * 6
          width  = 24
          height = 8
          properties = {
            title  = "What the loads said last"
            region = var.aws_region
            query  = "${join(" | ", [for group in local.dashboard_logs : "SOURCE '${group}'"])} | fields @timestamp, level, fields.message, @message | sort @timestamp desc | limit 100"
          }
        }
      ]
    )
  })
}
