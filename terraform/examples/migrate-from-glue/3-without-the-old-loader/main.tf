# Step 3: csl-stream loads all tables. The Lambda loader, its queue and its DynamoDB tables are destroyed;
# until then nothing in them was.

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
  source = "../../.."

  # As before.
  aws_region                     = var.aws_region
  controlshift_aws_region        = var.controlshift_aws_region
  controlshift_hostname          = var.controlshift_hostname
  controlshift_organization_slug = var.controlshift_organization_slug
  glue_scripts_bucket_name       = var.glue_scripts_bucket_name
  manifest_bucket_name           = var.manifest_bucket_name
  redshift_cluster_identifier    = var.redshift_cluster_identifier
  redshift_database_name         = var.redshift_database_name
  redshift_username              = var.redshift_username
  redshift_password              = var.redshift_password
  lambda_loader_subnet_ids       = var.lambda_loader_subnet_ids
  vpc_id                         = var.vpc_id

  # New.
  lambda_zip_path    = var.lambda_zip_path
  container_image    = var.container_image
  webhook_secret_arn = var.webhook_secret_arn
  empty_strings      = "null"

  small_tables       = "csl-stream"
  fargate_over_bytes = 500000000
}

output "webhook_url" {
  description = "The same as before: there is nothing to change in ControlShift."
  value       = module.controlshift_redshift_sync.webhook_url
}

output "attach_copy_role_command" {
  description = "Run it once: it lets COPY read the staging bucket."
  value       = module.controlshift_redshift_sync.attach_copy_role_command
}
