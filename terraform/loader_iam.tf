# The Lambda loader's role: what the old module allowed it, which is what its code was run with.

resource "aws_iam_role" "loader_lambda_role" {
  count = local.loader_kept ? 1 : 0

  name               = "${var.name_prefix}-loader"
  description        = "Used by the controlshift-redshift-loader Lambda for processing db replication data from ControlShift into Redshift"
  assume_role_policy = data.aws_iam_policy_document.assume["lambda"].json
  tags               = local.tags

  lifecycle {
    # Another name would be another role, and the function could not be told of it: see loader.tf.
    ignore_changes = [name, name_prefix, description]
  }
}

resource "aws_iam_role_policy" "lambda_loads_tables" {
  count = local.loader_kept ? 1 : 0

  name   = "AllowsLoaderExecution"
  role   = aws_iam_role.loader_lambda_role[0].id
  policy = data.aws_iam_policy_document.loader_execution_policy[0].json
}

resource "aws_iam_role_policy_attachment" "loader_vpc" {
  count = local.loader_kept && length(var.lambda_loader_subnet_ids) > 0 ? 1 : 0

  role       = aws_iam_role.loader_lambda_role[0].name
  policy_arn = "${local.arn}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

data "aws_iam_policy_document" "loader_execution_policy" {
  count = local.loader_kept ? 1 : 0

  statement {
    sid = "Tables"
    actions = [
      "dynamodb:DeleteItem",
      "dynamodb:DescribeTable",
      "dynamodb:GetItem",
      "dynamodb:ListTables",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:Scan",
      "dynamodb:UpdateItem",
    ]
    resources = [
      aws_dynamodb_table.loader_config[0].arn,
      aws_dynamodb_table.batches[0].arn,
      "${aws_dynamodb_table.batches[0].arn}/index/*",
      aws_dynamodb_table.processed_files[0].arn,
    ]
  }

  statement {
    sid       = "Password"
    actions   = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:Decrypt"]
    resources = [aws_kms_key.lambda_config[0].arn]
  }

  statement {
    sid       = "Manifests"
    actions   = ["s3:Get*", "s3:Put*", "s3:List*"]
    resources = [aws_s3_bucket.manifest.arn, "${aws_s3_bucket.manifest.arn}/*"]
  }

  statement {
    sid       = "Exports"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = [local.exports_arn, "${local.exports_arn}/*"]
  }

  statement {
    sid = "Topics"
    actions = [
      "sns:GetEndpointAttributes",
      "sns:GetSubscriptionAttributes",
      "sns:GetTopicAttributes",
      "sns:ListTopics",
      "sns:Publish",
      "sns:Subscribe",
      "sns:Unsubscribe",
    ]
    resources = [aws_sns_topic.success_sns_topic.arn, aws_sns_topic.failure_sns_topic.arn]
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn}:logs:${var.aws_region}:${local.account}:log-group:/aws/lambda/${var.name_prefix}-redshift-loader:*"]
  }

  statement {
    sid       = "Queue"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.receiver_queue[0].arn]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "Key"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}
