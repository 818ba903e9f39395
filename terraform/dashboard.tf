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
      title = "Loads that succeeded and failed"
      stat  = "Sum"
      metrics = [
        for topic in [
          var.success_topic_name,
          var.failure_topic_name,
          var.success_topic_name_for_run_glue_job_lambda,
          var.failure_topic_name_for_run_glue_job_lambda,
        ] : ["AWS/SNS", "NumberOfMessagesPublished", "TopicName", topic]
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
          y      = 18
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
