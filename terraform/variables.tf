# Inputs of controlshift/controlshift-redshift-sync, with their names, defaults and meaning.
# What is new stands in variables_program.tf and variables_more.tf.

variable "aws_region" {
  description = "AWS region of everything but the manifest bucket: that of your Redshift, and of the AWS provider."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be the name of an AWS region, like us-east-1."
  }
}

variable "controlshift_aws_region" {
  description = "AWS region of your ControlShift instance; the manifest bucket lies there. ControlShift's support knows it."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.controlshift_aws_region))
    error_message = "controlshift_aws_region must be the name of an AWS region, like eu-central-1."
  }
}

variable "controlshift_environment" {
  description = "Environment of your ControlShift instance: `production` or `staging`."
  type        = string
  default     = "production"
  nullable    = false

  validation {
    condition     = contains(["production", "staging"], var.controlshift_environment)
    error_message = "controlshift_environment must be production or staging."
  }
}

variable "controlshift_hostname" {
  description = "Host name of your ControlShift instance, like `action.myorganization.org`; the bulk schema is read from it."
  type        = string
  default     = "staging.controlshiftlabs.com"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9.-]+$", var.controlshift_hostname))
    error_message = "controlshift_hostname must be a host name, without https:// and without a path."
  }
}

variable "controlshift_organization_slug" {
  description = "Your organisation's slug in ControlShift: the first part of the keys of its exports. ControlShift's support knows it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9._-]+$", var.controlshift_organization_slug))
    error_message = "controlshift_organization_slug must not be empty, and must not contain a slash."
  }
}

variable "redshift_cluster_identifier" {
  description = "Identifier of a provisioned Redshift cluster. This, or `redshift_workgroup_name`."
  type        = string
  default     = null

  validation {
    condition     = (var.redshift_cluster_identifier == null) != (var.redshift_workgroup_name == null)
    error_message = "Name exactly one of redshift_cluster_identifier and redshift_workgroup_name."
  }
}

variable "redshift_database_name" {
  description = "Database that holds the mirror."
  type        = string
  nullable    = false
}

variable "redshift_schema" {
  description = "Redshift schema that the tables are loaded into."
  type        = string
  default     = "public"
  nullable    = false
}

variable "redshift_username" {
  description = "Database user. With `redshift_password` the two become a secret in Secrets Manager; alone, on a provisioned cluster, it gets temporary credentials; absent: the role's own database user, or that of `redshift_secret_arn`."
  type        = string
  default     = null
}

variable "redshift_password" {
  description = "Password of `redshift_username`. It goes into Secrets Manager, not into the state. Better: `redshift_secret_arn`, or no password at all. The kept Lambda loader needs one."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.redshift_password == null || var.redshift_username != null
    error_message = "redshift_password needs redshift_username."
  }
}

variable "manifest_bucket_name" {
  description = "Name of the S3 bucket for manifests of loads. The module makes it, in `controlshift_aws_region`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.manifest_bucket_name))
    error_message = "manifest_bucket_name must be a bucket's name, without s3://."
  }
}

variable "manifest_prefix" {
  description = "Prefix of manifests of loads that succeeded."
  type        = string
  default     = "manifests"
  nullable    = false
}

variable "failed_manifest_prefix" {
  description = "Prefix of manifests of loads that failed."
  type        = string
  default     = "failed"
  nullable    = false
}

variable "glue_scripts_bucket_name" {
  description = "Deprecated: the old name of `staging_bucket_name`. The bucket that held the Glue script now holds staged Parquet."
  type        = string
  default     = null
}

variable "glue_physical_connection_requirements" {
  description = "Deprecated and unused: there is no Glue connection any more. Accepted, so that a configuration of the old module still plans."
  type = object({
    availability_zone      = string
    subnet_id              = string
    security_group_id_list = list(string)
  })
  default = null
}

variable "success_topic_name" {
  description = "SNS topic that hears of loads by the Lambda loader, and of every load if `small_tables` is `csl-stream`."
  type        = string
  default     = "ControlshiftLambdaLoaderSuccess"
  nullable    = false
}

variable "failure_topic_name" {
  description = "SNS topic that hears of failures of the Lambda loader, and of every failure if `small_tables` is `csl-stream`."
  type        = string
  default     = "ControlshiftLambdaLoaderFailure"
  nullable    = false
}

variable "success_topic_name_for_run_glue_job_lambda" {
  description = "SNS topic that hears of loads of `signatures`, which the Glue job did before. Its name stays, so that subscriptions do."
  type        = string
  default     = "ControlshiftGlueJobSuccess"
  nullable    = false
}

variable "failure_topic_name_for_run_glue_job_lambda" {
  description = "SNS topic that hears of failures of loads of `signatures`, of Fargate tasks that died, and of alarms."
  type        = string
  default     = "ControlshiftGlueJobFailure"
  nullable    = false
}

variable "receiver_timeout" {
  description = "Seconds that the webhook receiver may take. API Gateway itself waits for 29."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.receiver_timeout >= 3 && var.receiver_timeout <= 900
    error_message = "receiver_timeout must be between 3 and 900 seconds."
  }
}

variable "lambda_loader_subnet_ids" {
  description = "Subnets of the kept Lambda loader; also those of the Fargate task, unless `fargate_subnet_ids` names others. More than one for more than one availability zone."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "lambda_loader_security_group_ids" {
  description = "Security groups of the kept Lambda loader."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "vpc_id" {
  description = "VPC of Redshift and of the Fargate task: it gets the S3 gateway endpoint and the task's security group. Not needed if nothing runs in a VPC."
  type        = string
  default     = null

  validation {
    condition     = var.vpc_id != null || var.compute != "fargate"
    error_message = "compute = \"fargate\" needs vpc_id."
  }

  validation {
    condition     = var.vpc_id != null || !var.create_s3_endpoint || var.small_tables != "lambda-redshift-loader"
    error_message = "Give vpc_id for the S3 endpoint of the Lambda loader, or switch create_s3_endpoint off."
  }
}
