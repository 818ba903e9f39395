# What the program is told, by the environment variables that it reads. A test compares the names with the
# program's own list of keys.

locals {
  # Everybody: what is ours, and what goes where.
  environment_common = {
    CSL_LOG              = "csl_stream=info"
    CSL_LOG_FORMAT       = "json"
    CSL_SCHEMA_SOURCE    = "https://${var.controlshift_hostname}/api/bulk_data/schema.json"
    CSL_EXPORTS_BUCKETS  = local.exports_bucket
    CSL_EXPORTS_SLUG     = var.controlshift_organization_slug
    CSL_QUEUE_OTHERS_URL = local.others_queue == null ? null : local.others_queue.url
    CSL_QUEUE_TRIES      = tostring(var.tries)
    CSL_WORK_TABLES      = local.all_tables ? "all" : join(",", var.load_tables)
    CSL_WORK_KINDS       = local.all_tables ? "full,incremental" : "full"
  }

  environment_receiver = {
    CSL_QUEUE_URL          = local.load_queue.url
    CSL_WEBHOOK_SECRET_ARN = local.webhook_secret_arn
    CSL_WEBHOOK_SIGNATURE  = local.webhook_signed ? "required" : "unchecked"
    CSL_WEBHOOK_ALLOW_FROM = join(",", var.webhook_allow_from)
  }

  # Whoever loads: the worker function and the Fargate task.
  environment_load = {
    CSL_WAREHOUSE_TO                   = "redshift"
    CSL_REDSHIFT_CLUSTER               = var.redshift_cluster_identifier
    CSL_REDSHIFT_WORKGROUP             = var.redshift_workgroup_name
    CSL_REDSHIFT_DATABASE              = var.redshift_database_name
    CSL_REDSHIFT_SCHEMA                = var.redshift_schema
    CSL_REDSHIFT_SECRET_ARN            = local.redshift_secret_arn
    CSL_REDSHIFT_DB_USER               = local.redshift_db_user
    CSL_REDSHIFT_IAM_ROLE              = local.copy_role_arn
    CSL_STAGING_URL                    = "s3://${aws_s3_bucket.staging.bucket}/${var.staging_prefix}"
    CSL_MANIFEST_URL                   = "s3://${aws_s3_bucket.manifest.bucket}"
    CSL_MANIFEST_PREFIX                = var.manifest_prefix
    CSL_MANIFEST_FAILED_PREFIX         = var.failed_manifest_prefix
    CSL_NOTIFY_SUCCESS_TOPIC_ARN       = local.success_topic_arn
    CSL_NOTIFY_FAILURE_TOPIC_ARN       = local.failure_topic_arn
    CSL_DYNAMODB_BATCHES_TABLE         = one(aws_dynamodb_table.batches[*].name)
    CSL_DYNAMODB_PROCESSED_FILES_TABLE = one(aws_dynamodb_table.processed_files[*].name)
    CSL_GLUE_JOB_NAME                  = var.glue_job_name
    CSL_GLUE_DATABASE                  = var.glue_catalog_database
    CSL_METRICS_EMF                    = var.alarms ? "true" : null
    CSL_LOAD_MAX_REJECTS               = tostring(var.max_rejects)
    CSL_LOAD_OVERLONG                  = var.overlong
    CSL_LOAD_EMPTY_STRINGS             = var.empty_strings
    CSL_PRIVACY_COLUMNS                = join(",", var.privacy_columns)
    CSL_PRIVACY_PRESET                 = var.privacy_preset
    CSL_PRIVACY_NEW_COLUMNS            = var.privacy_new_columns
    CSL_PRIVACY_SECRET_ARN             = var.privacy_secret_arn
    CSL_LOAD_CREATE_TABLE              = tostring(var.create_missing_tables)
    CSL_LOAD_REJECTS                   = var.rejects_url
    CSL_LOAD_REJECTS_DAYS              = tostring(var.rejects_days)
    CSL_ALERTS_ON                      = join(",", var.alerts_on)
  }

  environment_worker = {
    CSL_QUEUE_URL               = aws_sqs_queue.load.url
    CSL_QUEUE_DEAD_LETTER_URL   = aws_sqs_queue.load_dead_letters.url
    CSL_WORK_BATCH_FILES        = tostring(var.batch_files)
    CSL_WORK_BATCH_SECONDS      = tostring(local.all_tables ? var.batch_seconds : 0)
    CSL_FARGATE_CLUSTER         = one(aws_ecs_cluster.load[*].arn)
    CSL_FARGATE_TASK_DEFINITION = one(aws_ecs_task_definition.load[*].arn)
    CSL_FARGATE_CONTAINER       = local.fargate ? local.container_name : null
    CSL_FARGATE_SUBNETS         = local.fargate ? join(",", local.fargate_subnet_ids) : null
    CSL_FARGATE_SECURITY_GROUPS = one(aws_security_group.fargate[*].id)
    CSL_FARGATE_QUEUE_URL       = one(aws_sqs_queue.fargate[*].url)
    CSL_FARGATE_OVER_BYTES      = local.fargate ? tostring(var.fargate_over_bytes) : null
  }

  environment_task = {
    CSL_QUEUE_URL             = one(aws_sqs_queue.fargate[*].url)
    CSL_QUEUE_DEAD_LETTER_URL = aws_sqs_queue.load_dead_letters.url
  }

  # URLs are passwords: these stand beside the others where a load runs, and in no output.
  alert_variables = {
    for name, value in {
      CSL_ALERTS_SLACK_URL      = var.alerts_slack_url
      CSL_ALERTS_TEAMS_URL      = var.alerts_teams_url
      CSL_ALERTS_WEBHOOK_URL    = var.alerts_webhook_url
      CSL_ALERTS_WEBHOOK_SECRET = var.alerts_webhook_secret
    } : name => value
    if nonsensitive(value != null)
  }

  # A variable without a value is left out: an empty one would be an error of the configuration.
  receiver_variables = {
    for name, value in merge(local.environment_common, local.environment_receiver) : name => value
    if value != null && value != ""
  }
  worker_variables = {
    for name, value in merge(local.environment_common, local.environment_load, local.environment_worker) : name => value
    if value != null && value != ""
  }
  task_variables = {
    for name, value in merge(local.environment_common, local.environment_load, local.environment_task) : name => value
    if value != null && value != ""
  }
}
