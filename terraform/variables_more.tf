# Inputs that controlshift/controlshift-redshift-sync did not have: Redshift, buckets, webhooks, loads, alarms.

# Redshift.

variable "redshift_workgroup_name" {
  description = "Name of a Redshift Serverless workgroup. This, or `redshift_cluster_identifier`."
  type        = string
  default     = null

  validation {
    condition     = var.redshift_workgroup_name == null || var.small_tables != "lambda-redshift-loader"
    error_message = "The Lambda loader knows provisioned clusters only: set small_tables to csl-stream for a workgroup."
  }
}

variable "redshift_workgroup_arn" {
  description = "ARN of that workgroup, which its name does not tell."
  type        = string
  default     = null

  validation {
    condition     = (var.redshift_workgroup_arn == null) == (var.redshift_workgroup_name == null)
    error_message = "redshift_workgroup_name and redshift_workgroup_arn go together."
  }
}

variable "redshift_secret_arn" {
  description = "ARN of a secret with `username` and `password` of the database user; the module makes one if it is given `redshift_password`."
  type        = string
  default     = null

  validation {
    condition     = var.redshift_secret_arn == null || can(regex("^arn:aws[a-z-]*:secretsmanager:", var.redshift_secret_arn))
    error_message = "redshift_secret_arn must be the ARN of a secret."
  }
}

variable "redshift_secret_kms_key_arn" {
  description = "KMS key of the secrets that you name, if it is not AWS's own."
  type        = string
  default     = null
}

variable "redshift_password_version" {
  description = "Raise it when `redshift_password` has changed: Terraform cannot see that by itself, because the state does not hold it."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.redshift_password_version >= 1
    error_message = "redshift_password_version must be at least 1."
  }
}

variable "create_copy_role" {
  description = "Whether the module makes the role that COPY reads the staging bucket with. Attach it: output `attach_copy_role_command`."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.create_copy_role || var.redshift_copy_role_arn != null
    error_message = "Without create_copy_role, redshift_copy_role_arn must be given."
  }
}

variable "redshift_copy_role_arn" {
  description = "Role that COPY reads the staging bucket with, attached to Redshift already, if `create_copy_role` is off."
  type        = string
  default     = null
}

# Buckets.

variable "staging_bucket_name" {
  description = "Name of the S3 bucket for staged Parquet. The module makes it, in `aws_region`. This, or its old name `glue_scripts_bucket_name`."
  type        = string
  default     = null

  validation {
    condition     = (var.staging_bucket_name == null) != (var.glue_scripts_bucket_name == null)
    error_message = "Give staging_bucket_name, or its old name glue_scripts_bucket_name."
  }
}

variable "staging_prefix" {
  description = "Prefix of staged Parquet in the staging bucket."
  type        = string
  default     = "csl-stream"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]+(/[a-zA-Z0-9_-]+)*$", var.staging_prefix))
    error_message = "staging_prefix must be a prefix without slashes at its ends."
  }
}

variable "staging_days" {
  description = "Days after which staged files expire. `csl-stream loads retry` finds them for seven."
  type        = number
  default     = 8
  nullable    = false

  validation {
    condition     = var.staging_days >= 7
    error_message = "staging_days must be at least 7."
  }
}

variable "exports_bucket_name" {
  description = "ControlShift's bucket of exports, if it is not the known one of the environment and region."
  type        = string
  default     = null
}

variable "exports_bucket_owner" {
  description = "AWS account that must own ControlShift's bucket: the roles that load may read no other. Absent: not checked."
  type        = string
  default     = null

  validation {
    condition     = var.exports_bucket_owner == null || can(regex("^[0-9]{12}$", var.exports_bucket_owner))
    error_message = "exports_bucket_owner must be an AWS account's number, of 12 digits."
  }
}

# Webhooks.

variable "webhook_secret" {
  description = "Signing secret of the webhook endpoint in ControlShift. It goes into Secrets Manager, not into the state. This, or `webhook_secret_arn`; neither: webhooks are taken unsigned, as the old module did."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.webhook_secret == null || var.webhook_secret_arn == null
    error_message = "Give webhook_secret or webhook_secret_arn, not both."
  }
}

variable "webhook_secret_version" {
  description = "Raise it when `webhook_secret` has changed."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.webhook_secret_version >= 1
    error_message = "webhook_secret_version must be at least 1."
  }
}

variable "webhook_secret_arn" {
  description = "ARN of a secret that holds the signing secrets of the webhook endpoint."
  type        = string
  default     = null
}

variable "webhook_allow_from" {
  description = "Addresses and networks that may send webhooks, like `203.0.113.0/24`; docs/how-to/receive-webhooks.md has those of ControlShift. Empty: any."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for from in var.webhook_allow_from : can(cidrhost(strcontains(from, "/") ? from : "${from}/32", 0))])
    error_message = "webhook_allow_from must be addresses and networks, like 203.0.113.0/24: with anything else the receiver would refuse every webhook."
  }
}

variable "webhook_burst" {
  description = "Webhooks that API Gateway lets through at once; half of it a second in the long run. ControlShift sends what was turned away again."
  type        = number
  default     = 200
  nullable    = false

  validation {
    condition     = var.webhook_burst >= 10
    error_message = "webhook_burst must be at least 10: a night's exports come together."
  }
}

variable "manage_api_gateway_account" {
  description = "Whether the module sets API Gateway's role for logs, of which an account has one in each region. Switch it off in all instances but one."
  type        = bool
  default     = true
  nullable    = false
}

# Loads.

variable "max_rejects" {
  description = "Rejected records of one export that are tolerated."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.max_rejects >= 0
    error_message = "max_rejects must not be negative."
  }
}

variable "overlong" {
  description = "What becomes of values wider than their column: `truncate` (at a character boundary, counted) or `reject`."
  type        = string
  default     = "truncate"
  nullable    = false

  validation {
    condition     = contains(["truncate", "reject"], var.overlong)
    error_message = "overlong must be truncate or reject."
  }
}

variable "empty_strings" {
  description = "What becomes of empty strings: `keep`, or `null` as the Glue job and the Lambda loader did."
  type        = string
  default     = "keep"
  nullable    = false

  validation {
    condition     = contains(["keep", "null"], var.empty_strings)
    error_message = "empty_strings must be keep or null."
  }
}

variable "create_missing_tables" {
  description = "Whether a load makes a table that ControlShift has and Redshift lacks; its database user then needs CREATE on the schema, and owns the table. Else the exports wait, and you are told, until its owner has made it."
  type        = bool
  default     = false
  nullable    = false
}

variable "glue_job_name" {
  description = "Old Glue job that loads the same table: while it runs, a load waits. For the time in which both exist."
  type        = string
  default     = null
}

variable "glue_catalog_database" {
  description = "Database of the Glue Data Catalog that staged Parquet is registered in. Absent: it is not."
  type        = string
  default     = null
}

variable "glue_queue_name" {
  description = "The way back: the name of the old module's queue for its Glue crawler (`controlshift-received-webhooks-glue`). The receiver then sends it what csl-stream would load, and the Glue job loads that again."
  type        = string
  default     = null

  validation {
    condition     = var.glue_queue_name == null || var.small_tables != "csl-stream"
    error_message = "The Glue job loads full exports of signatures only: glue_queue_name goes with small_tables = \"lambda-redshift-loader\"."
  }
}

# The Lambda loader that came before.

variable "loader_zip_s3_bucket" {
  description = "Bucket of the Lambda loader's code, in `aws_region`. Absent: ControlShift's own, which exists in us-east-1 and us-west-1."
  type        = string
  default     = null

  validation {
    condition     = var.small_tables != "lambda-redshift-loader" || var.loader_zip_s3_bucket != null || contains(["us-east-1", "us-west-1"], var.aws_region)
    error_message = "ControlShift's bucket with the Lambda loader exists in us-east-1 and us-west-1 only: give loader_zip_s3_bucket."
  }
}

variable "loader_zip_s3_key" {
  description = "Key of the Lambda loader's code."
  type        = string
  default     = "LambdaRedshiftLoader/AWSLambdaRedshiftLoader-2.8.3.zip"
  nullable    = false
}

variable "loader_runtime" {
  description = "Runtime of the Lambda loader. AWS lets functions of an old runtime run, but not be made."
  type        = string
  default     = "nodejs16.x"
  nullable    = false
}

# Who watches.

variable "alarms" {
  description = "Whether alarms and the dashboard are made."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_topic_arns" {
  description = "More SNS topics that hear of alarms, besides the failure topic."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "watched_tables" {
  description = "Tables whose nights have alarms of their own: no full load, old data, other numbers of rows than the night before. By default those of `load_tables`; of `all`, or with small_tables = csl-stream, `signatures`."
  type        = list(string)
  default     = null

  validation {
    condition     = var.watched_tables == null || alltrue([for table in coalesce(var.watched_tables, []) : can(regex("^[a-z][a-z0-9_]*$", table))])
    error_message = "watched_tables must be names of tables, like signatures."
  }
}

variable "rows_change_percent" {
  description = "By how many percent the rows of a full export may differ from those of the night before until the alarm sounds."
  type        = number
  default     = 25
  nullable    = false

  validation {
    condition     = var.rows_change_percent >= 1 && var.rows_change_percent <= 100
    error_message = "rows_change_percent must be between 1 and 100."
  }
}

variable "hours_without_load" {
  description = "Hours without a full load of a watched table after which the alarm sounds: a night and two hours."
  type        = number
  default     = 26
  nullable    = false

  validation {
    condition     = var.hours_without_load >= 2 && var.hours_without_load <= 168
    error_message = "hours_without_load must be between 2 and 168: CloudWatch looks back a week at most."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be a number of days that CloudWatch knows, like 30."
  }
}

variable "kms_key_arn" {
  description = "KMS key for buckets, queues, topics, logs, secrets and tables. Absent: each service's own encryption. Its policy must let them use it; the README of the module lists the services."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key."
  }
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
