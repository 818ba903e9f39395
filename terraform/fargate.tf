# worker ─▶ fargate queue, ecs:RunTask ─▶ task: `csl-stream work --once` ─▶ stops
#
# Nothing runs, and nothing costs, between the loads. Whoever starts a task tells it nothing: it takes its
# message from the queue, so that a task that died loses none. Two rules start another one: when a task
# died, and when a message waits that nobody takes.

locals {
  # The image is that of the Dockerfile: this is its user, and the only folder that it may write to.
  container_name     = "csl-stream"
  work_folder        = "/home/nonroot"
  fargate_subnet_ids = length(var.fargate_subnet_ids) > 0 ? var.fargate_subnet_ids : var.lambda_loader_subnet_ids
}

resource "aws_ecs_cluster" "load" {
  count = local.fargate ? 1 : 0

  name = var.name_prefix
  tags = local.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "load" {
  count = local.fargate ? 1 : 0

  family                   = "${var.name_prefix}-load"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.fargate_cpu
  memory                   = var.fargate_memory_mb
  execution_role_arn       = aws_iam_role.execution[0].arn
  task_role_arn            = aws_iam_role.task[0].arn
  tags                     = local.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = upper(var.architecture)
  }

  volume {
    name = "work"
  }

  container_definitions = jsonencode([{
    name      = local.container_name
    image     = var.container_image
    command   = ["work", "--once"]
    essential = true
    # Rejected records are kept beside what is staged.
    workingDirectory       = local.work_folder
    mountPoints            = [{ sourceVolume = "work", containerPath = local.work_folder, readOnly = false }]
    user                   = "65532"
    readonlyRootFilesystem = true
    # A load ends cleanly within five seconds of a SIGTERM; this is for one that must still ask how it ended.
    stopTimeout = 120
    environment = [for name, value in merge(local.task_variables, local.alert_variables) : { name = name, value = value }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.fargate[0].name
        "awslogs-region"        = var.aws_region
        "awslogs-stream-prefix" = "load"
      }
    }
  }])
}

resource "aws_cloudwatch_log_group" "fargate" {
  count = local.fargate ? 1 : 0

  name              = "/ecs/${var.name_prefix}-load"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

# A task that died (killed, out of memory, interrupted) is run again. Not after the exit codes by which the
# program says that another try would end the same, 1 to 6, nor after those of a program that cannot be begun,
# which would go round for ever. Whoever failed is told of, whatever the code; a task that did not start has none.
# Our container is named, because AWS can put one of its own beside it.
locals {
  task_ends = {
    died        = { containers = { name = [local.container_name], exitCode = [{ "anything-but" = [0, 1, 2, 3, 4, 5, 6, 126, 127, 255] }] } }
    failed      = { containers = { name = [local.container_name], exitCode = [{ "anything-but" = [0] }] } }
    not-started = { stopCode = ["TaskFailedToStart"] }
  }
}

resource "aws_cloudwatch_event_rule" "task" {
  for_each = { for end, detail in local.task_ends : end => detail if local.fargate }

  name        = "${var.name_prefix}-load-${each.key}"
  description = "A load in Fargate has ${each.key}"
  tags        = local.tags

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = merge(each.value, {
      clusterArn = [aws_ecs_cluster.load[0].arn]
      lastStatus = ["STOPPED"]
    })
  })
}

# A message that has waited for a quarter of an hour has no task: it could not start, or it died and left
# its message hidden for a while. Once for each such time, not every minute: if that one does not start either,
# somebody must look.
resource "aws_cloudwatch_metric_alarm" "waiting_without_task" {
  count = local.fargate ? 1 : 0

  alarm_name          = "${var.name_prefix}-load-waits-without-task"
  alarm_description   = "An export waits for a Fargate task; this alarm starts one."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.fargate[0].name }
  statistic           = "Minimum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags
}

resource "aws_cloudwatch_event_rule" "waiting_without_task" {
  count = local.fargate ? 1 : 0

  name        = "${var.name_prefix}-load-waits"
  description = "An export waits for a Fargate task"
  tags        = local.tags

  event_pattern = jsonencode({
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    resources   = [aws_cloudwatch_metric_alarm.waiting_without_task[0].arn]
    detail = {
      state = { value = ["ALARM"] }
    }
  })
}

resource "aws_cloudwatch_event_target" "run" {
  for_each = local.fargate ? {
    again       = aws_cloudwatch_event_rule.task["died"].name
    for-waiting = aws_cloudwatch_event_rule.waiting_without_task[0].name
  } : {}

  rule      = each.value
  target_id = "run-${each.key}"
  arn       = aws_ecs_cluster.load[0].arn
  role_arn  = aws_iam_role.events[0].arn

  ecs_target {
    task_definition_arn = aws_ecs_task_definition.load[0].arn
    launch_type         = "FARGATE"
    task_count          = 1

    network_configuration {
      subnets         = local.fargate_subnet_ids
      security_groups = [aws_security_group.fargate[0].id]
    }
  }
}

# Who must know of a task that could not tell by itself.
resource "aws_cloudwatch_event_target" "tell_of_failure" {
  for_each = { for end in ["failed", "not-started"] : end => aws_cloudwatch_event_rule.task[end].name if local.fargate }

  rule      = each.value
  target_id = "tell-of-failure"
  arn       = local.failure_topic_arn

  input_transformer {
    input_paths = {
      task   = "$.detail.taskArn"
      code   = "$.detail.containers[0].exitCode"
      reason = "$.detail.stoppedReason"
      at     = "$.time"
    }
    input_template = "\"csl-stream: a load in Fargate ended at <at>: <reason>, exit code <code> (<task>)\""
  }
}
