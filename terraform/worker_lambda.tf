# load queue ─▶ worker ─▶ loads by itself, or hands over to Fargate (fargate.tf).

locals {
  # One package for both functions: the program sees by itself that it is in Lambda, and what an event is.
  lambda_zip_hash = var.lambda_zip_path == null ? null : filebase64sha256(var.lambda_zip_path)
}

resource "aws_lambda_function" "worker" {
  function_name = "${var.name_prefix}-worker"
  description   = "Loads ControlShift's exports into Redshift, or hands them to Fargate"
  role          = aws_iam_role.worker.arn

  filename          = var.lambda_zip_path
  source_code_hash  = local.lambda_zip_hash
  s3_bucket         = var.lambda_zip_s3_bucket
  s3_key            = var.lambda_zip_s3_key
  s3_object_version = var.lambda_zip_s3_object_version
  handler           = "bootstrap"
  runtime           = "provided.al2023"
  architectures     = [var.architecture]
  timeout           = local.worker_timeout
  memory_size       = local.worker_loads ? var.worker_memory_mb : 256
  kms_key_arn       = var.kms_key_arn

  environment {
    variables = merge(local.worker_variables, local.alert_variables)
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.worker.name
  }

  tags = local.tags

  depends_on = [aws_iam_role_policy.worker]
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/aws/lambda/${var.name_prefix}-worker"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

resource "aws_lambda_event_source_mapping" "worker" {
  event_source_arn = aws_sqs_queue.load.arn
  function_name    = aws_lambda_function.worker.arn
  # Incremental exports come once a minute for each table: a few runs with many are fewer cold starts, and a
  # workgroup that sleeps between them.
  batch_size                         = local.all_tables ? var.batch_files : 1
  maximum_batching_window_in_seconds = local.batch_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.worker_concurrency
  }
}
