# Steps 2 and 3: your own configuration, with another source. The module keeps its name, its inputs and its
# state: the webhook's address, the queues, tables, topics, buckets and the Lambda loader stay what they are. The
# Glue parts are let go, not destroyed: they are the way back.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 7.0"
    }
  }
}

provider "aws" {
  region = var.aws_region
}

module "controlshift_redshift_sync" {
  # Before: source = "controlshift/controlshift-redshift-sync/aws"
  source = "../../.."

  # As before.
  aws_region                       = var.aws_region
  controlshift_aws_region          = var.controlshift_aws_region
  controlshift_hostname            = var.controlshift_hostname
  controlshift_organization_slug   = var.controlshift_organization_slug
  glue_scripts_bucket_name         = var.glue_scripts_bucket_name
  manifest_bucket_name             = var.manifest_bucket_name
  redshift_cluster_identifier      = var.redshift_cluster_identifier
  redshift_database_name           = var.redshift_database_name
  redshift_username                = var.redshift_username
  redshift_password                = var.redshift_password
  lambda_loader_subnet_ids         = var.lambda_loader_subnet_ids
  lambda_loader_security_group_ids = var.lambda_loader_security_group_ids
  vpc_id                           = var.vpc_id

  # New.
  lambda_zip_path    = var.lambda_zip_path
  container_image    = var.container_image
  webhook_secret_arn = var.webhook_secret_arn
  empty_strings      = "null"
  # A run of the Glue job that is still under way must not meet a load.
  glue_job_name = "cs-production-signatures-full"

  # The way back, at any time: true, and apply. Then the Glue job loads `signatures` again.
  glue_queue_name = var.back_to_glue ? "controlshift-received-webhooks-glue" : null

  # Step 3: csl-stream loads all tables, those of less than 500 MB in the worker function. The Lambda loader, its
  # queue and its DynamoDB tables are destroyed; until then nothing in them was.
  small_tables       = var.keep_old_loader ? "lambda-redshift-loader" : "csl-stream"
  fargate_over_bytes = var.keep_old_loader ? 0 : 500000000
}

# The old module made the stage together with its deployment; the AWS provider knows them as two since 6.0.
import {
  to = module.controlshift_redshift_sync.aws_api_gateway_stage.production
  id = "${var.rest_api_id}/production"
}

output "webhook_url" {
  description = "The same as before: there is nothing to change in ControlShift."
  value       = module.controlshift_redshift_sync.webhook_url
}

output "attach_copy_role_command" {
  description = "Run it once: it lets COPY read the staging bucket."
  value       = module.controlshift_redshift_sync.attach_copy_role_command
}
