# Which parts are made by which choice. Plans only; no account is needed: terraform init && terraform test

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "http" {
  mock_data "http" {
    defaults = {
      status_code   = 200
      response_body = "{\"tables\":[{\"table\":{\"name\":\"petitions\"}},{\"table\":{\"name\":\"signatures\"}}]}"
    }
  }
}

mock_provider "random" {}

variables {
  controlshift_organization_slug = "my-org"
  manifest_bucket_name           = "my-manifests"
  glue_scripts_bucket_name       = "my-glue-scripts"
  redshift_cluster_identifier    = "mirror"
  redshift_database_name         = "agra_replica"
  redshift_username              = "loader"
  redshift_password              = "made-up"
  lambda_loader_subnet_ids       = ["subnet-1"]
  vpc_id                         = "vpc-1"
  lambda_zip_s3_bucket           = "artifacts"
  lambda_zip_s3_key              = "csl-stream.zip"
  container_image                = "csl-stream:test"
  webhook_secret_arn             = "arn:aws:secretsmanager:us-east-1:123456789012:secret:webhook"
}

run "the_inputs_of_the_old_module_are_enough" {
  command = plan

  assert {
    condition     = aws_s3_bucket.staging.bucket == "my-glue-scripts"
    error_message = "the bucket of the Glue script must become the staging bucket"
  }

  assert {
    condition     = strcontains(output.environment_shell, "export AWS_REGION='us-east-1'\n") && strcontains(output.environment_shell, "export CSL_WAREHOUSE_TO='redshift'\n")
    error_message = "the environment must be there as lines for a shell"
  }

  assert {
    condition     = length(output.redshift_sql_commands) == 1 && strcontains(output.redshift_sql_commands[0], "--user 'loader'")
    error_message = "the user that loads must be the one that gets the grants"
  }

  assert {
    condition     = aws_sqs_queue.receiver_queue[0].name == "controlshift-received-webhooks"
    error_message = "the loader's queue must keep its name"
  }

  assert {
    condition     = aws_lambda_function.receiver_lambda.function_name == "controlshift-webhook-handler"
    error_message = "the receiver must keep its name"
  }

  assert {
    condition     = aws_lambda_function.loader[0].runtime == "nodejs16.x"
    error_message = "the Lambda loader must stay as it is"
  }

  assert {
    condition     = length(aws_dynamodb_table_item.load_config_full_items) == 2
    error_message = "each table must have its item"
  }

  assert {
    condition     = aws_lambda_function.worker.timeout == 60
    error_message = "a worker that only hands over needs no more"
  }

  assert {
    condition     = length(aws_ecs_task_definition.load) == 1
    error_message = "signatures must be loaded in Fargate by default"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.task["died"].event_pattern).detail.containers.name == ["csl-stream"] && length(aws_cloudwatch_event_target.tell_of_failure) == 2
    error_message = "our container's end must be looked at, and a task that failed or did not start must be told of"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.watched["loader-queue-nearly-six-hours"].metric_name == "ApproximateAgeOfOldestMessage" && length(aws_cloudwatch_metric_alarm.watched) == 10
    error_message = "three queues, two of dead letters, three functions and the webhooks in two ways must be watched"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.night["signatures-no-full-load"].evaluation_periods == 26 && length(aws_cloudwatch_metric_alarm.night) == 2 && length(aws_cloudwatch_metric_alarm.rows_changed) == 1 && length(aws_cloudwatch_metric_alarm.loads_failed) == 1
    error_message = "the nights of signatures, its rows and all failures must be watched"
  }

  assert {
    condition     = output.environment["CSL_METRICS_EMF"] == "true"
    error_message = "what the alarms watch must be measured"
  }

  assert {
    condition     = !contains(keys(output.environment), "CSL_GLUE_JOB_NAME")
    error_message = "a variable without a value must be left out"
  }
}

run "lambda_needs_no_fargate" {
  command = plan

  variables {
    compute = "lambda"
  }

  assert {
    condition     = length(aws_ecs_cluster.load) == 0 && length(aws_sqs_queue.fargate) == 0 && length(aws_security_group.fargate) == 0
    error_message = "compute = lambda must make nothing of Fargate"
  }

  assert {
    condition     = aws_lambda_function.worker.timeout == 900 && aws_sqs_queue.load.visibility_timeout_seconds == 1800
    error_message = "a worker that loads needs all its time, and its queue twice that"
  }
}

run "all_tables_need_no_loader" {
  command = plan

  variables {
    small_tables             = "csl-stream"
    fargate_over_bytes       = 500000000
    batch_seconds            = 300
    create_missing_tables    = true
    glue_scripts_bucket_name = null
    staging_bucket_name      = "my-staging"
    redshift_password        = null
  }

  assert {
    condition     = length(aws_lambda_function.loader) == 0 && length(aws_dynamodb_table.batches) == 0 && length(aws_sqs_queue.receiver_queue) == 0
    error_message = "nothing of the Lambda loader must be left"
  }

  assert {
    condition     = output.environment["CSL_WORK_TABLES"] == "all" && output.environment["CSL_WORK_KINDS"] == "full,incremental"
    error_message = "csl-stream must take all tables and kinds"
  }

  assert {
    condition     = output.environment["CSL_LOAD_CREATE_TABLE"] == "true"
    error_message = "a table that ControlShift adds must be made if it may be"
  }

  assert {
    condition     = output.environment["CSL_REDSHIFT_DB_USER"] == "loader"
    error_message = "a user without a password must get temporary credentials"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.worker.batch_size == 20 && aws_lambda_event_source_mapping.worker.maximum_batching_window_in_seconds == 300
    error_message = "incremental exports must be taken together"
  }

  assert {
    condition     = aws_sqs_queue.load.visibility_timeout_seconds == 2100
    error_message = "a message must stay hidden while it is gathered and while the function runs"
  }
}

run "alerts_and_rejects_have_their_places" {
  command = plan

  variables {
    alerts_slack_url      = "https://hooks.example.org/hush"
    alerts_webhook_url    = "https://example.org/hush"
    alerts_webhook_secret = "hush"
    alerts_on             = ["dead_letter"]
    rejects_url           = "s3://my-rejects/csl-stream/rejects"
  }

  assert {
    condition     = length(setsubtract(["CSL_ALERTS_SLACK_URL", "CSL_ALERTS_WEBHOOK_URL", "CSL_ALERTS_WEBHOOK_SECRET"], keys(nonsensitive(aws_lambda_function.worker.environment[0].variables)))) == 0
    error_message = "the worker must know whom to tell"
  }

  assert {
    condition     = length([for name in keys(output.environment) : name if startswith(name, "CSL_ALERTS_") && name != "CSL_ALERTS_ON"]) == 0 && output.environment["CSL_ALERTS_ON"] == "dead_letter"
    error_message = "an output must hold no URL that is a password"
  }

  assert {
    condition     = output.environment["CSL_LOAD_REJECTS"] == "s3://my-rejects/csl-stream/rejects"
    error_message = "rejects must go where they are told to"
  }
}

run "a_trial_touches_nothing_of_the_old_module" {
  command = plan

  variables {
    name_prefix                = "csl-stream-trial"
    small_tables               = "ignore"
    create_s3_endpoint         = false
    manage_api_gateway_account = false
  }

  assert {
    condition     = aws_sqs_queue.ignored[0].message_retention_seconds == 60
    error_message = "what the old module loads must be dropped"
  }

  assert {
    condition     = length(aws_vpc_endpoint.s3) == 0 && length(aws_api_gateway_account.settings) == 0
    error_message = "what there is only one of must be left alone"
  }

  assert {
    condition     = startswith(aws_iam_role.receiver.name, "csl-stream-trial-") && startswith(aws_iam_role.worker.name, "csl-stream-trial-")
    error_message = "roles must have names of their own"
  }
}

run "the_way_back_sends_signatures_to_glue" {
  command = plan

  variables {
    glue_queue_name = "controlshift-received-webhooks-glue"
  }

  assert {
    condition     = aws_lambda_function.receiver_lambda.environment[0].variables["CSL_QUEUE_URL"] == "https://sqs.us-east-1.amazonaws.com/123456789012/controlshift-received-webhooks-glue"
    error_message = "the receiver must send full exports of signatures to the queue of the Glue crawler"
  }
}

run "the_eu_has_a_bucket_of_its_own" {
  command = plan

  variables {
    controlshift_aws_region = "eu-central-1"
  }

  assert {
    condition     = output.environment["CSL_EXPORTS_BUCKETS"] == "agra-data-exports-production-eu-central-1"
    error_message = "exports of the EU lie in another bucket"
  }

  assert {
    condition     = aws_s3_bucket.manifest.region == "eu-central-1"
    error_message = "manifests lie where ControlShift is"
  }
}

run "unsigned_webhooks_are_warned_of" {
  command = plan

  variables {
    webhook_secret_arn = null
  }

  assert {
    condition     = aws_lambda_function.receiver_lambda.environment[0].variables["CSL_WEBHOOK_SIGNATURE"] == "unchecked"
    error_message = "without a secret the receiver must be told so"
  }

  expect_failures = [check.webhooks_are_signed]
}

run "signed_webhooks_are_required_where_there_is_a_secret" {
  command = plan

  variables {
    webhook_secret     = "made-up"
    webhook_secret_arn = null
  }

  assert {
    condition     = aws_lambda_function.receiver_lambda.environment[0].variables["CSL_WEBHOOK_SIGNATURE"] == "required"
    error_message = "with a secret, unsigned webhooks must be refused"
  }
}

run "a_workgroup_takes_no_user" {
  command = plan

  variables {
    small_tables                = "csl-stream"
    compute                     = "lambda"
    redshift_cluster_identifier = null
    redshift_workgroup_name     = "mirror"
    redshift_workgroup_arn      = "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/1"
    redshift_username           = null
    redshift_password           = null
    vpc_id                      = null
  }

  assert {
    condition     = output.environment["CSL_REDSHIFT_WORKGROUP"] == "mirror" && !contains(keys(output.environment), "CSL_REDSHIFT_CLUSTER")
    error_message = "the workgroup must be named, and no cluster"
  }

  assert {
    condition     = output.attach_copy_role_command == null
    error_message = "a workgroup's roles are those of its namespace"
  }
}

run "everything_at_once" {
  command = plan

  variables {
    small_tables          = "csl-stream"
    fargate_over_bytes    = 500000000
    kms_key_arn           = "arn:aws:kms:us-east-1:123456789012:key/1"
    exports_bucket_owner  = "210987654321"
    webhook_allow_from    = ["203.0.113.0/24", "198.51.100.7"]
    glue_catalog_database = "mirror"
    glue_job_name         = "cs-production-signatures-full"
    architecture          = "arm64"
    alarm_topic_arns      = ["arn:aws:sns:us-east-1:123456789012:on-call"]
    watched_tables        = ["signatures", "petitions"]
    rows_change_percent   = 10
  }

  assert {
    condition     = aws_lambda_function.receiver_lambda.environment[0].variables["CSL_WEBHOOK_ALLOW_FROM"] == "203.0.113.0/24,198.51.100.7"
    error_message = "a list must be separated by commas"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.night) == 4 && aws_cloudwatch_metric_alarm.rows_changed["petitions"].threshold == 10
    error_message = "each table that is named must have its alarms"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.load[0].container_definitions)[0].command == ["work", "--once"]
    error_message = "the task must take what is there and end"
  }

  assert {
    condition     = aws_lambda_function.worker.timeout == 900
    error_message = "a worker that loads the smaller exports needs all its time"
  }
}

run "full_exports_alone" {
  command = plan

  variables {
    small_tables = "ignore"
    load_tables  = ["all"]
  }

  assert {
    condition     = output.environment["CSL_WORK_TABLES"] == "all" && output.environment["CSL_WORK_KINDS"] == "full"
    error_message = "the full exports of every table must be loaded, and no incremental ones"
  }
}

run "no_alarms" {
  command = plan

  variables {
    alarms = false
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.watched) + length(aws_cloudwatch_metric_alarm.night) + length(aws_cloudwatch_metric_alarm.rows_changed) + length(aws_cloudwatch_metric_alarm.loads_failed) == 0 && length(aws_cloudwatch_dashboard.loads) == 0 && !contains(keys(output.environment), "CSL_METRICS_EMF")
    error_message = "without alarms there is no alarm and no dashboard"
  }
}

run "rules_of_privacy_keep_their_order" {
  command = plan

  variables {
    privacy_columns    = ["signatures.email=hash", "*.email=drop", "a.*=prefix:3"]
    privacy_preset     = "controlshift"
    privacy_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:hash-key"
  }

  assert {
    condition     = output.environment["CSL_PRIVACY_COLUMNS"] == "signatures.email=hash,*.email=drop,a.*=prefix:3" && output.environment["CSL_PRIVACY_PRESET"] == "controlshift"
    error_message = "the first rule that matches wins: their order must stay"
  }

  assert {
    condition     = output.environment["CSL_PRIVACY_SECRET_ARN"] == "arn:aws:secretsmanager:us-east-1:123456789012:secret:hash-key" && contains(data.aws_iam_policy_document.load.statement[*].sid, "KeyOfHashes")
    error_message = "who loads must be able to read the key"
  }
}
