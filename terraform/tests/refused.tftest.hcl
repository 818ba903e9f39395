# Inputs that must be refused before anything is made.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "http" {}
mock_provider "random" {}

variables {
  controlshift_organization_slug = "my-org"
  manifest_bucket_name           = "my-manifests"
  staging_bucket_name            = "my-staging"
  small_tables                   = "csl-stream"
  compute                        = "lambda"
  redshift_cluster_identifier    = "mirror"
  redshift_database_name         = "agra_replica"
  lambda_zip_s3_bucket           = "artifacts"
  lambda_zip_s3_key              = "csl-stream.zip"
  webhook_secret_arn             = "arn:aws:secretsmanager:us-east-1:123456789012:secret:webhook"
}

run "a_slug_with_a_slash" {
  command = plan

  variables {
    controlshift_organization_slug = "my-org/full"
  }

  expect_failures = [var.controlshift_organization_slug]
}

run "no_redshift" {
  command = plan

  variables {
    redshift_cluster_identifier = null
  }

  expect_failures = [var.redshift_cluster_identifier]
}

run "two_redshifts" {
  command = plan

  variables {
    redshift_workgroup_name = "mirror"
    redshift_workgroup_arn  = "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/1"
  }

  expect_failures = [var.redshift_cluster_identifier]
}

run "a_workgroup_without_its_arn" {
  command = plan

  variables {
    redshift_cluster_identifier = null
    redshift_workgroup_name     = "mirror"
  }

  expect_failures = [var.redshift_workgroup_arn]
}

run "the_loader_without_a_password" {
  command = plan

  variables {
    small_tables = "lambda-redshift-loader"
    vpc_id       = "vpc-1"
  }

  expect_failures = [var.small_tables]
}

run "fargate_without_an_image_or_a_network" {
  command = plan

  variables {
    compute = "fargate"
  }

  expect_failures = [var.container_image, var.vpc_id, var.fargate_subnet_ids, var.fargate_over_bytes]
}

run "a_task_for_each_minute" {
  command = plan

  variables {
    compute            = "fargate"
    container_image    = "csl-stream:test"
    vpc_id             = "vpc-1"
    fargate_subnet_ids = ["subnet-1"]
  }

  expect_failures = [var.fargate_over_bytes]
}

run "no_program" {
  command = plan

  variables {
    lambda_zip_s3_key = null
  }

  expect_failures = [var.lambda_zip_path]
}

run "both_names_of_the_staging_bucket" {
  command = plan

  variables {
    glue_scripts_bucket_name = "my-glue-scripts"
  }

  expect_failures = [var.staging_bucket_name]
}

run "a_sender_by_its_name" {
  command = plan

  variables {
    webhook_allow_from = ["203.0.113.0/24", "webhooks.example.org"]
  }

  expect_failures = [var.webhook_allow_from]
}

run "two_signing_secrets" {
  command = plan

  variables {
    webhook_secret     = "made-up"
    webhook_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:made-up"
  }

  expect_failures = [var.webhook_secret]
}

run "the_way_back_from_all_tables" {
  command = plan

  variables {
    glue_queue_name = "controlshift-received-webhooks-glue"
  }

  expect_failures = [var.glue_queue_name]
}

run "a_rule_of_privacy_that_is_none" {
  command = plan

  variables {
    privacy_columns = ["signatures.email=md5"]
  }

  expect_failures = [var.privacy_columns]
}

run "a_rule_that_hashes_without_a_key" {
  command = plan

  variables {
    privacy_columns = ["signatures.email=hash"]
  }

  expect_failures = [var.privacy_columns]
}
