# ControlShift ─▶ API Gateway ─▶ receiver ─▶ queues. The names are those of the old module: an instance of
# it keeps its address, so ControlShift needs no new webhook.

resource "aws_lambda_function" "receiver_lambda" {
  function_name = "${var.name_prefix}-webhook-handler"
  description   = "Checks ControlShift's webhooks and puts exports onto a queue"
  role          = aws_iam_role.receiver.arn

  filename          = var.lambda_zip_path
  source_code_hash  = local.lambda_zip_hash
  s3_bucket         = var.lambda_zip_s3_bucket
  s3_key            = var.lambda_zip_s3_key
  s3_object_version = var.lambda_zip_s3_object_version
  handler           = "bootstrap"
  runtime           = "provided.al2023"
  architectures     = [var.architecture]
  timeout           = var.receiver_timeout
  memory_size       = 256
  kms_key_arn       = var.kms_key_arn

  environment {
    variables = local.receiver_variables
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.webhook.name
  }

  tags = merge(local.tags, {
    # Keeps noise out of Datadog, as the old module did.
    datadog = "exclude"
  })

  depends_on = [aws_iam_role_policy.receiver]
}

resource "aws_cloudwatch_log_group" "webhook" {
  name              = "/aws/lambda/${var.name_prefix}-webhook-handler"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

resource "aws_api_gateway_rest_api" "receiver" {
  name        = "${var.name_prefix}-webhook-receiver"
  description = "Receives ControlShift webhooks and puts them onto an SQS queue"
  tags        = local.tags

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_resource" "webhook" {
  rest_api_id = aws_api_gateway_rest_api.receiver.id
  parent_id   = aws_api_gateway_rest_api.receiver.root_resource_id
  path_part   = "webhook"
}

resource "aws_api_gateway_method" "request_method" {
  rest_api_id   = aws_api_gateway_rest_api.receiver.id
  resource_id   = aws_api_gateway_resource.webhook.id
  http_method   = "POST"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "request_method_integration" {
  rest_api_id = aws_api_gateway_rest_api.receiver.id
  resource_id = aws_api_gateway_resource.webhook.id
  http_method = aws_api_gateway_method.request_method.http_method
  type        = "AWS_PROXY"
  uri         = aws_lambda_function.receiver_lambda.invoke_arn
  # Functions are invoked by POST only.
  integration_http_method = "POST"
}

resource "aws_api_gateway_method_response" "response_200" {
  rest_api_id = aws_api_gateway_rest_api.receiver.id
  resource_id = aws_api_gateway_resource.webhook.id
  http_method = aws_api_gateway_method.request_method.http_method
  status_code = "200"

  response_models = {
    "application/json" = "Empty"
  }
}

resource "aws_api_gateway_deployment" "deployment" {
  rest_api_id = aws_api_gateway_rest_api.receiver.id

  triggers = {
    redeployment = sha1(jsonencode([
      aws_api_gateway_resource.webhook,
      aws_api_gateway_method.request_method,
      aws_api_gateway_integration.request_method_integration,
    ]))
  }

  lifecycle {
    # The stage must have the new one before the old one may go.
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "production" {
  rest_api_id   = aws_api_gateway_rest_api.receiver.id
  deployment_id = aws_api_gateway_deployment.deployment.id
  stage_name    = "production"
  tags          = local.tags

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api_access.arn
    # No query strings and no bodies: signed URLs are passwords.
    format = jsonencode({
      requestId = "$context.requestId"
      ip        = "$context.identity.sourceIp"
      time      = "$context.requestTime"
      method    = "$context.httpMethod"
      path      = "$context.resourcePath"
      status    = "$context.status"
      bytes     = "$context.responseLength"
      fault     = "$context.error.message"
    })
  }

  depends_on = [aws_api_gateway_account.settings]
}

resource "aws_api_gateway_method_settings" "webhook" {
  rest_api_id = aws_api_gateway_rest_api.receiver.id
  stage_name  = aws_api_gateway_stage.production.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled = true
    logging_level   = "ERROR"
    # Bodies hold signed URLs.
    data_trace_enabled     = false
    throttling_burst_limit = var.webhook_burst
    throttling_rate_limit  = var.webhook_burst / 2
  }

  # Else API Gateway makes it first, and Terraform finds it there.
  depends_on = [aws_cloudwatch_log_group.api_gateway_log_retention]
}

resource "aws_cloudwatch_log_group" "api_access" {
  name              = "/aws/apigateway/${var.name_prefix}-webhook-receiver"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

# API Gateway makes this group by itself; only its name ties the two.
resource "aws_cloudwatch_log_group" "api_gateway_log_retention" {
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.receiver.id}/production"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

resource "aws_lambda_permission" "allow_api_gateway" {
  function_name = aws_lambda_function.receiver_lambda.function_name
  statement_id  = "AllowExecutionFromApiGateway"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  # The `*` is any stage.
  source_arn = "${aws_api_gateway_rest_api.receiver.execution_arn}/*/POST/webhook"
}

# One for an account and region, whatever else uses API Gateway there.
resource "aws_api_gateway_account" "settings" {
  count = var.manage_api_gateway_account ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.api_gateway[0].arn

  depends_on = [aws_iam_role_policy_attachment.api_gateway_logs]
}
