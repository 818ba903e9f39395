# Everything, from an empty account: a network, a small Redshift Serverless, and csl-stream for all tables in
# Lambda. No NAT gateway, no container, and next to nothing that costs while nothing is loaded, but for Redshift's
# storage.
#
# Full exports only, once a night. Incremental ones come every minute, and would keep the workgroup awake all day:
# some $70. Who wants them nevertheless: small_tables = "csl-stream", and more in the usage limit.

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

module "csl_stream" {
  source = "../.."

  aws_region                     = var.aws_region
  controlshift_aws_region        = var.controlshift_aws_region
  controlshift_hostname          = var.controlshift_hostname
  controlshift_organization_slug = var.controlshift_organization_slug
  webhook_secret                 = var.webhook_secret

  compute         = "lambda"
  load_tables     = ["all"]
  small_tables    = "ignore"
  lambda_zip_path = var.lambda_zip_path

  manifest_bucket_name = "${var.bucket_prefix}-manifests"
  staging_bucket_name  = "${var.bucket_prefix}-staging"

  redshift_workgroup_name = aws_redshiftserverless_workgroup.mirror.workgroup_name
  redshift_workgroup_arn  = aws_redshiftserverless_workgroup.mirror.arn
  redshift_database_name  = aws_redshiftserverless_namespace.mirror.db_name
  redshift_secret_arn     = aws_redshiftserverless_namespace.mirror.admin_password_secret_arn
}

# AWS makes the administrator's password and keeps it in Secrets Manager: nobody sees it.
resource "aws_redshiftserverless_namespace" "mirror" {
  # checkov:skip=CKV_AWS_282: its own encryption, by a key of AWS
  namespace_name        = "controlshift"
  db_name               = "agra_replica"
  manage_admin_password = true
  iam_roles             = [module.csl_stream.copy_role_arn]
  log_exports           = ["userlog", "connectionlog", "useractivitylog"]
}

# The smallest there is. It stops by itself when nobody asks it anything.
resource "aws_redshiftserverless_workgroup" "mirror" {
  workgroup_name       = "controlshift"
  namespace_name       = aws_redshiftserverless_namespace.mirror.namespace_name
  base_capacity        = 8
  max_capacity         = 32
  publicly_accessible  = false
  enhanced_vpc_routing = false
  subnet_ids           = aws_subnet.mirror[*].id
  security_group_ids   = [aws_security_group.mirror.id]
}

# A limit on the bill: 20 RPU-hours a day, then no more queries until the next day.
resource "aws_redshiftserverless_usage_limit" "daily" {
  resource_arn  = aws_redshiftserverless_workgroup.mirror.arn
  usage_type    = "serverless-compute"
  amount        = 20
  period        = "daily"
  breach_action = "deactivate"
}

# A network for Redshift: private, three availability zones. The Data API reaches it without a way in.

data "aws_availability_zones" "here" {
  # checkov:skip=CKV_AWS_394: the first three, whatever comes after them
  state = "available"
}

resource "aws_vpc" "mirror" {
  # checkov:skip=CKV2_AWS_11: nothing but Redshift is in it
  cidr_block           = "10.83.0.0/24"
  enable_dns_hostnames = true
  tags                 = { Name = "controlshift" }
}

resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.mirror.id
}

resource "aws_subnet" "mirror" {
  count = 3

  vpc_id            = aws_vpc.mirror.id
  cidr_block        = cidrsubnet(aws_vpc.mirror.cidr_block, 2, count.index)
  availability_zone = data.aws_availability_zones.here.names[count.index]
  tags              = { Name = "controlshift-${count.index}" }
}

resource "aws_security_group" "mirror" {
  name        = "controlshift-redshift"
  description = "ControlShift mirror in Redshift: nothing comes in"
  vpc_id      = aws_vpc.mirror.id
}
