# The Lambda loader that loads the small tables and the incrementals: as it was, under the addresses that it
# had in the old module. Its code is ControlShift's; only its queue has dead letters now.

resource "aws_lambda_function" "loader" {
  # checkov:skip=CKV_AWS_363: that its runtime has ended is why small_tables can be csl-stream
  # checkov:skip=CKV_AWS_173: it holds no secret, and AWS refuses changes of this function
  count = local.loader_kept ? 1 : 0

  function_name = "${var.name_prefix}-redshift-loader"
  role          = aws_iam_role.loader_lambda_role[0].arn
  s3_bucket     = coalesce(var.loader_zip_s3_bucket, "changesprout-lambdas-${var.aws_region}")
  s3_key        = var.loader_zip_s3_key
  handler       = "index.handler"
  runtime       = var.loader_runtime
  timeout       = 900

  vpc_config {
    subnet_ids         = var.lambda_loader_subnet_ids
    security_group_ids = var.lambda_loader_security_group_ids
  }

  environment {
    variables = {
      DEBUG                   = "true"
      CONTROLSHIFT_AWS_REGION = var.controlshift_aws_region
    }
  }

  lifecycle {
    # AWS refuses changes of a function whose runtime has ended, so none is asked for.
    ignore_changes = [tags, tags_all, description, memory_size, architectures]
  }
}

resource "aws_lambda_event_source_mapping" "process_task" {
  count = local.loader_kept ? 1 : 0

  event_source_arn = aws_sqs_queue.receiver_queue[0].arn
  function_name    = aws_lambda_function.loader[0].arn
  batch_size       = 1

  depends_on = [aws_iam_role_policy.lambda_loads_tables]
}

resource "aws_cloudwatch_log_group" "loader" {
  count = local.loader_kept ? 1 : 0

  name              = "/aws/lambda/${var.name_prefix}-redshift-loader"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

# Its tables. Their names are written into its code.

resource "aws_dynamodb_table" "loader_config" {
  count = local.loader_kept ? 1 : 0

  name           = "LambdaRedshiftBatchLoadConfig"
  billing_mode   = "PROVISIONED"
  read_capacity  = 1
  write_capacity = 5
  hash_key       = "s3Prefix"
  tags           = local.tags

  attribute {
    name = "s3Prefix"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_dynamodb_table" "batches" {
  count = local.loader_kept ? 1 : 0

  name           = "LambdaRedshiftBatches"
  billing_mode   = "PROVISIONED"
  read_capacity  = 1
  write_capacity = 5
  hash_key       = "s3Prefix"
  range_key      = "batchId"
  tags           = local.tags

  attribute {
    name = "s3Prefix"
    type = "S"
  }

  attribute {
    name = "batchId"
    type = "S"
  }

  attribute {
    name = "status"
    type = "S"
  }

  attribute {
    name = "lastUpdate"
    type = "N"
  }

  global_secondary_index {
    name            = "LambdaRedshiftBatchStatus"
    hash_key        = "status"
    range_key       = "lastUpdate"
    projection_type = "ALL"
    read_capacity   = 1
    write_capacity  = 5
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_dynamodb_table" "processed_files" {
  count = local.loader_kept ? 1 : 0

  name           = "LambdaRedshiftProcessedFiles"
  billing_mode   = "PROVISIONED"
  read_capacity  = 1
  write_capacity = 5
  hash_key       = "loadFile"
  tags           = local.tags

  attribute {
    name = "loadFile"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }
}

# Its configuration: an item for each table and kind, made from the bulk schema.

data "http" "bulk_data_schemas" {
  count = local.loader_kept ? 1 : 0

  url = "https://${var.controlshift_hostname}/api/bulk_data/schema.json"

  lifecycle {
    postcondition {
      condition     = self.status_code == 200
      error_message = "ControlShift did not answer with its bulk schema, but with status ${self.status_code}."
    }
  }
}

data "http" "column_list" {
  for_each = local.loader_tables

  url = "https://${var.controlshift_hostname}/api/bulk_data/schema/columns?table=${each.key}"

  lifecycle {
    # Else the text of an error would become the columns of an item, and stay: items are not written anew.
    postcondition {
      condition     = self.status_code == 200
      error_message = "ControlShift did not answer with the columns of ${each.key}, but with status ${self.status_code}."
    }
  }
}

locals {
  bulk_schema   = local.loader_kept ? jsondecode(data.http.bulk_data_schemas[0].response_body) : null
  loader_tables = local.loader_kept ? toset([for entry in local.bulk_schema.tables : entry.table.name]) : toset([])

  # What an item holds, by its table; the kind of export decides the rest.
  loader_items = {
    for table in local.loader_tables : table => {
      for kind in ["full", "incremental"] : kind => jsonencode({
        s3Prefix = { S = "${local.exports_bucket}/${kind}/${table}" }
        loadClusters = { L = [{ M = {
          clusterEndpoint = { S = data.aws_redshift_cluster.sync_data_target[0].endpoint }
          clusterPort     = { N = tostring(data.aws_redshift_cluster.sync_data_target[0].port) }
          clusterDB       = { S = var.redshift_database_name }
          connectUser     = { S = var.redshift_username }
          connectPassword = { S = aws_kms_ciphertext.redshift_password[0].ciphertext_blob }
          targetTable     = { S = "${var.redshift_schema}.${table}" }
          columnList      = { S = data.http.column_list[table].response_body }
          truncateTarget  = { BOOL = kind == "full" }
          useSSL          = { BOOL = true }
        } }] }
        copyOptions       = { S = "EMPTYASNULL TRUNCATECOLUMNS" }
        dataFormat        = { S = "CSV" }
        csvDelimiter      = { S = "," }
        ignoreCsvHeader   = { BOOL = true }
        manifestBucket    = { S = aws_s3_bucket.manifest.bucket }
        manifestKey       = { S = var.manifest_prefix }
        failedManifestKey = { S = var.failed_manifest_prefix }
        successTopicARN   = { S = aws_sns_topic.success_sns_topic.arn }
        failureTopicARN   = { S = aws_sns_topic.failure_sns_topic.arn }
        batchSize         = { N = "1" }
        currentBatch      = { S = random_id.current_batch[0].b64_url }
        compression       = { S = try(local.bulk_schema.settings.compression_format, "") }
      })
    }
  }
}

resource "aws_dynamodb_table_item" "load_config_full_items" {
  for_each = local.loader_tables

  table_name = aws_dynamodb_table.loader_config[0].name
  hash_key   = aws_dynamodb_table.loader_config[0].hash_key
  item       = local.loader_items[each.key]["full"]

  lifecycle {
    # The loader keeps its place in the item: written anew, it would load its first batch again. Whoever
    # wants other settings deletes the items first.
    ignore_changes = [item]
  }
}

resource "aws_dynamodb_table_item" "load_config_incremental_items" {
  for_each = local.loader_tables

  table_name = aws_dynamodb_table.loader_config[0].name
  hash_key   = aws_dynamodb_table.loader_config[0].hash_key
  item       = local.loader_items[each.key]["incremental"]

  lifecycle {
    ignore_changes = [item]
  }
}

resource "random_id" "current_batch" {
  count = local.loader_kept ? 1 : 0

  byte_length = 16
}

# The password, as the loader wants it: encrypted with a key of its own, in the item.

resource "aws_kms_key" "lambda_config" {
  count = local.loader_kept ? 1 : 0

  description         = "Controlshift Lambda Redshift Loader Master Encryption Key"
  is_enabled          = true
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.lambda_config_key.json
  tags                = local.tags
}

data "aws_iam_policy_document" "lambda_config_key" {
  # checkov:skip=CKV_AWS_109: a key's policy without this locks everybody out
  # checkov:skip=CKV_AWS_111: the same
  # checkov:skip=CKV_AWS_356: in a key's policy "*" is that key
  # The policy that AWS gives a key by itself: IAM decides.
  statement {
    sid       = "IamDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["${local.arn}:iam::${local.account}:root"]
    }
  }
}

resource "aws_kms_alias" "lambda_alias" {
  count = local.loader_kept ? 1 : 0

  # Spelt as in the loader's code.
  name          = "alias/LambaRedshiftLoaderKey"
  target_key_id = aws_kms_key.lambda_config[0].key_id
}

resource "aws_kms_ciphertext" "redshift_password" {
  count = local.loader_kept ? 1 : 0

  key_id               = aws_kms_key.lambda_config[0].key_id
  plaintext_wo         = var.redshift_password
  plaintext_wo_version = tostring(var.redshift_password_version)
  context = {
    module = "AWSLambdaRedshiftLoader"
    region = var.aws_region
  }
}
