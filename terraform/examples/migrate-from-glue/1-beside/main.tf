# Step 1: csl-stream beside the old module, in a configuration and a state of its own. Nothing of the old one
# is touched: other names, other buckets, another schema in the same Redshift.

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

module "trial" {
  source = "../../.."

  name_prefix                    = "csl-stream-trial"
  aws_region                     = var.aws_region
  controlshift_aws_region        = var.controlshift_aws_region
  controlshift_hostname          = var.controlshift_hostname
  controlshift_organization_slug = var.controlshift_organization_slug

  # What the old module loads, it goes on loading.
  small_tables       = "ignore"
  compute            = "fargate"
  lambda_zip_path    = var.lambda_zip_path
  container_image    = var.container_image
  webhook_secret_arn = var.webhook_secret_arn

  manifest_bucket_name = "${var.manifest_bucket_name}-trial"
  staging_bucket_name  = "${var.glue_scripts_bucket_name}-trial"

  redshift_cluster_identifier = var.redshift_cluster_identifier
  redshift_database_name      = var.redshift_database_name
  redshift_schema             = "csl_stream_trial"
  redshift_username           = var.redshift_username
  redshift_password           = var.redshift_password
  # As the Glue job does: the two tables shall be alike.
  empty_strings = "null"

  vpc_id             = var.vpc_id
  fargate_subnet_ids = var.lambda_loader_subnet_ids

  # The old module has these already.
  create_s3_endpoint         = false
  manage_api_gateway_account = false

  success_topic_name                         = "CslStreamTrialLoaderSuccess"
  failure_topic_name                         = "CslStreamTrialLoaderFailure"
  success_topic_name_for_run_glue_job_lambda = "CslStreamTrialSuccess"
  failure_topic_name_for_run_glue_job_lambda = "CslStreamTrialFailure"
}

output "webhook_url" {
  description = "Enter it in ControlShift as a second webhook endpoint, beside the old one."
  value       = module.trial.webhook_url
}

output "attach_copy_role_command" {
  description = "Run it once: it lets COPY read the staging bucket."
  value       = module.trial.attach_copy_role_command
}
