# Who may do what. The list of calls that the program makes is docs/aws-calls.toml; a test compares it with
# the statements here: what the program does is allowed, and nothing else.

# Who takes a role: services of AWS.
data "aws_iam_policy_document" "assume" {
  for_each = {
    lambda      = ["lambda.amazonaws.com"]
    ecs_tasks   = ["ecs-tasks.amazonaws.com"]
    events      = ["events.amazonaws.com"]
    api_gateway = ["apigateway.amazonaws.com"]
    # Both, so that the role does not wait for a workgroup whose namespace waits for the role.
    copy = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]
  }

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = each.value
    }

    # Of those that say for whom they act: in the name of this account only.
    dynamic "condition" {
      for_each = contains(["ecs_tasks", "events"], each.key) ? [local.account] : []
      content {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [condition.value]
      }
    }
  }
}

# The receiver: puts onto queues, reads its signing secret.

resource "aws_iam_role" "receiver" {
  name               = "${var.name_prefix}-receiver"
  description        = "Receives ControlShift's webhooks"
  assume_role_policy = data.aws_iam_policy_document.assume["lambda"].json
  tags               = local.tags
}

resource "aws_iam_role_policy" "receiver" {
  name   = "receive"
  role   = aws_iam_role.receiver.id
  policy = data.aws_iam_policy_document.receiver.json
}

data "aws_iam_policy_document" "receiver" {
  source_policy_documents = [data.aws_iam_policy_document.keys.json]

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.webhook.arn}:*"]
  }

  statement {
    sid       = "Enqueue"
    actions   = ["sqs:SendMessage"]
    resources = concat([local.load_queue.arn], local.others_queue_arns)
  }

  dynamic "statement" {
    for_each = local.webhook_signed ? [local.webhook_secret_arn] : []
    content {
      sid       = "SigningSecret"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }
}

locals {
  kms_key_arns = compact([var.kms_key_arn, var.redshift_secret_kms_key_arn])
}

# Your own keys, if there are any.
data "aws_iam_policy_document" "keys" {
  dynamic "statement" {
    for_each = length(local.kms_key_arns) > 0 ? [local.kms_key_arns] : []
    content {
      sid       = "Keys"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value
    }
  }
}

# The worker: takes from its queue, hands over, gives up.

resource "aws_iam_role" "worker" {
  name               = "${var.name_prefix}-worker"
  description        = "Loads ControlShift's exports into Redshift, or hands them to Fargate"
  assume_role_policy = data.aws_iam_policy_document.assume["lambda"].json
  tags               = local.tags
}

resource "aws_iam_role_policy" "worker" {
  name   = "work"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.worker.json
}

data "aws_iam_policy_document" "worker" {
  source_policy_documents = concat(
    [data.aws_iam_policy_document.keys.json],
    local.worker_loads ? [data.aws_iam_policy_document.load.json] : [],
    data.aws_iam_policy_document.run_task[*].json,
  )

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.worker.arn}:*"]
  }

  statement {
    sid       = "Take"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.load.arn]
  }

  statement {
    sid       = "HandOver"
    actions   = ["sqs:SendMessage"]
    resources = concat([aws_sqs_queue.load_dead_letters.arn], local.others_queue_arns, aws_sqs_queue.fargate[*].arn)
  }
}

locals {
  # Every revision: a new one must run before the policy has followed.
  task_definition_arns = "${local.arn}:ecs:${var.aws_region}:${local.account}:task-definition/${var.name_prefix}-load:*"
}

# The Fargate task: the same loads, from its own queue.

resource "aws_iam_role" "task" {
  count = local.fargate ? 1 : 0

  name               = "${var.name_prefix}-load"
  description        = "Loads ControlShift's exports into Redshift, in Fargate"
  assume_role_policy = data.aws_iam_policy_document.assume["ecs_tasks"].json
  tags               = local.tags
}

resource "aws_iam_role_policy" "task" {
  count = local.fargate ? 1 : 0

  name   = "load"
  role   = aws_iam_role.task[0].id
  policy = data.aws_iam_policy_document.task[0].json
}

data "aws_iam_policy_document" "task" {
  count = local.fargate ? 1 : 0

  source_policy_documents = [data.aws_iam_policy_document.load.json, data.aws_iam_policy_document.keys.json]

  statement {
    sid       = "Take"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.fargate[0].arn]
  }

  statement {
    sid       = "HandOver"
    actions   = ["sqs:SendMessage"]
    resources = concat([aws_sqs_queue.load_dead_letters.arn], local.others_queue_arns)
  }
}

# ECS itself: pulls the image, writes the log.

resource "aws_iam_role" "execution" {
  count = local.fargate ? 1 : 0

  name               = "${var.name_prefix}-load-execution"
  description        = "ECS pulls csl-stream's image and writes its log with it"
  assume_role_policy = data.aws_iam_policy_document.assume["ecs_tasks"].json
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "execution" {
  count = local.fargate ? 1 : 0

  role       = aws_iam_role.execution[0].name
  policy_arn = "${local.arn}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

# EventBridge: starts another task.

resource "aws_iam_role" "events" {
  count = local.fargate ? 1 : 0

  name               = "${var.name_prefix}-run-again"
  description        = "EventBridge starts a load that failed again"
  assume_role_policy = data.aws_iam_policy_document.assume["events"].json
  tags               = local.tags
}

resource "aws_iam_role_policy" "events" {
  count = local.fargate ? 1 : 0

  name   = "run"
  role   = aws_iam_role.events[0].id
  policy = data.aws_iam_policy_document.run_task[0].json
}

# Starts a task: EventBridge, and the worker.
data "aws_iam_policy_document" "run_task" {
  count = local.fargate ? 1 : 0

  statement {
    sid       = "RunTask"
    actions   = ["ecs:RunTask"]
    resources = [local.task_definition_arns]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.load[0].arn]
    }
  }

  statement {
    sid       = "PassRoles"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.task[0].arn, aws_iam_role.execution[0].arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# API Gateway: writes its log.

resource "aws_iam_role" "api_gateway" {
  count = var.manage_api_gateway_account ? 1 : 0

  name               = "${var.name_prefix}-api-gateway"
  description        = "API Gateway writes its logs with it"
  assume_role_policy = data.aws_iam_policy_document.assume["api_gateway"].json
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "api_gateway_logs" {
  count = var.manage_api_gateway_account ? 1 : 0

  role       = aws_iam_role.api_gateway[0].name
  policy_arn = "${local.arn}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
