# Two ControlShift instances, in the US and in the EU, each with its own Redshift, in one account.
#
# Roles belong to the account, not to a region: name_prefix keeps the two apart. What a region has only one
# of, API Gateway's role for logs, each instance sets in its own.

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
  alias  = "us"
  region = "us-east-1"
}

provider "aws" {
  alias  = "eu"
  region = "eu-central-1"
}

module "us" {
  source    = "../.."
  providers = { aws = aws.us }

  name_prefix                    = "controlshift-us"
  aws_region                     = "us-east-1"
  controlshift_aws_region        = "us-east-1"
  controlshift_hostname          = var.us.hostname
  controlshift_organization_slug = var.us.slug
  webhook_secret_arn             = var.us.webhook_secret_arn

  compute         = "lambda"
  small_tables    = "csl-stream"
  lambda_zip_path = var.lambda_zip_path

  manifest_bucket_name = "${var.bucket_prefix}-us-manifests"
  staging_bucket_name  = "${var.bucket_prefix}-us-staging"

  redshift_cluster_identifier = var.us.cluster
  redshift_database_name      = var.us.database
}

module "eu" {
  source    = "../.."
  providers = { aws = aws.eu }

  name_prefix                    = "controlshift-eu"
  aws_region                     = "eu-central-1"
  controlshift_aws_region        = "eu-central-1"
  controlshift_hostname          = var.eu.hostname
  controlshift_organization_slug = var.eu.slug
  webhook_secret_arn             = var.eu.webhook_secret_arn

  compute         = "lambda"
  small_tables    = "csl-stream"
  lambda_zip_path = var.lambda_zip_path

  manifest_bucket_name = "${var.bucket_prefix}-eu-manifests"
  staging_bucket_name  = "${var.bucket_prefix}-eu-staging"

  redshift_cluster_identifier = var.eu.cluster
  redshift_database_name      = var.eu.database
}
