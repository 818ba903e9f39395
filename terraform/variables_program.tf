# Inputs that controlshift/controlshift-redshift-sync did not have: the program and where it runs.

variable "name_prefix" {
  description = "First part of the names of what the module makes, roles included: give each instance its own when two live in one account. Buckets and topics have inputs of their own: in one region two instances need other names for them too. The default keeps the names of the old module."
  type        = string
  default     = "controlshift"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,23}$", var.name_prefix))
    error_message = "name_prefix must begin with a letter, and have at most 24 lower-case letters, digits and hyphens."
  }
}

variable "compute" {
  description = "Where csl-stream loads: `fargate` (a task for each large export, of any size and duration), or `lambda` (15 minutes at most)."
  type        = string
  default     = "fargate"
  nullable    = false

  validation {
    condition     = contains(["fargate", "lambda"], var.compute)
    error_message = "compute must be fargate or lambda."
  }
}

variable "small_tables" {
  description = "Who loads what `load_tables` and full exports do not cover: `lambda-redshift-loader` (the loader that you have, as it is), `csl-stream` (all tables, full and incremental; for new set-ups, because the old loader's runtime cannot be created any more), or `ignore` (nobody: for full exports alone, or a trial beside the old module)."
  type        = string
  default     = "lambda-redshift-loader"
  nullable    = false

  validation {
    condition     = contains(["lambda-redshift-loader", "csl-stream", "ignore"], var.small_tables)
    error_message = "small_tables must be lambda-redshift-loader, csl-stream or ignore."
  }

  validation {
    condition     = var.small_tables != "lambda-redshift-loader" || var.redshift_password != null
    error_message = "The Lambda loader knows no Secrets Manager: small_tables = \"lambda-redshift-loader\" needs redshift_username and redshift_password."
  }
}

variable "load_tables" {
  description = "Tables whose full exports csl-stream loads; `[\"all\"]`: those of every table. With `small_tables = \"csl-stream\"` it loads all of all tables."
  type        = list(string)
  default     = ["signatures"]
  nullable    = false

  validation {
    condition     = length(var.load_tables) > 0 && alltrue([for table in var.load_tables : can(regex("^[a-z0-9_]+$", table))])
    error_message = "load_tables must name at least one table, by lower-case letters, digits and underscores."
  }
}

# The program.

variable "lambda_zip_path" {
  description = "Local zip file with csl-stream as `bootstrap`, for the receiver and the worker. This, or `lambda_zip_s3_bucket` and `lambda_zip_s3_key`."
  type        = string
  default     = null

  validation {
    condition     = (var.lambda_zip_path == null) != (var.lambda_zip_s3_bucket == null || var.lambda_zip_s3_key == null)
    error_message = "Give lambda_zip_path, or lambda_zip_s3_bucket and lambda_zip_s3_key."
  }
}

variable "lambda_zip_s3_bucket" {
  description = "Bucket of the zip file, in `aws_region`."
  type        = string
  default     = null
}

variable "lambda_zip_s3_key" {
  description = "Key of the zip file."
  type        = string
  default     = null
}

variable "lambda_zip_s3_object_version" {
  description = "Version of the zip file's object, if its bucket has versions."
  type        = string
  default     = null
}

variable "container_image" {
  description = "Image for the Fargate task, with csl-stream on its path, like `123456789012.dkr.ecr.us-east-1.amazonaws.com/csl-stream:0.1.0`. Needed for `compute = \"fargate\"`."
  type        = string
  default     = null

  validation {
    condition     = var.compute != "fargate" || var.container_image != null
    error_message = "compute = \"fargate\" needs container_image."
  }
}

variable "architecture" {
  description = "Instruction set of the zip file and the image: `x86_64` (AVX2 and AVX-512 kernels) or `arm64` (a fifth cheaper, slower per vCPU)."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "worker_memory_mb" {
  description = "Memory of the worker function when it loads by itself; its vCPUs follow it (1,769 MB for each)."
  type        = number
  default     = 3538
  nullable    = false

  validation {
    condition     = var.worker_memory_mb >= 512 && var.worker_memory_mb <= 10240
    error_message = "worker_memory_mb must be between 512 and 10240."
  }
}

variable "worker_concurrency" {
  description = "Worker functions that run at once at most. Loads of one table wait for each other anyway."
  type        = number
  default     = 4
  nullable    = false

  validation {
    condition     = var.worker_concurrency >= 2 && var.worker_concurrency <= 1000
    error_message = "worker_concurrency must be between 2 (the least that AWS takes) and 1000."
  }
}

variable "batch_files" {
  description = "Messages that one run of the worker function takes at most, if `small_tables` is `csl-stream`. It loads them one after the other."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.batch_files >= 1 && var.batch_files <= 1000
    error_message = "batch_files must be between 1 and 1000."
  }
}

variable "batch_seconds" {
  description = "How long the worker function waits for more messages before it runs, if `small_tables` is `csl-stream`: fewer runs, later rows. Each export is a COPY of its own all the same."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.batch_seconds >= 0 && var.batch_seconds <= 300
    error_message = "batch_seconds must be between 0 and 300."
  }
}

variable "tries" {
  description = "Tries after which a message is a dead letter once its export cannot be read any more; before that it is tried again, whatever passes by itself. SQS counts every taking."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.tries >= 1 && var.tries <= 20
    error_message = "tries must be between 1 and 20."
  }
}

variable "fargate_cpu" {
  description = "CPU units of the Fargate task; 1024 is one vCPU. csl-stream uses all of them."
  type        = number
  default     = 4096
  nullable    = false

  validation {
    condition     = contains([512, 1024, 2048, 4096, 8192, 16384], var.fargate_cpu)
    error_message = "fargate_cpu must be 512, 1024, 2048, 4096, 8192 or 16384."
  }
}

variable "fargate_memory_mb" {
  description = "Memory of the Fargate task. csl-stream needs little; Fargate takes at least 2 GB for each vCPU."
  type        = number
  default     = 8192
  nullable    = false

  validation {
    condition     = var.fargate_memory_mb >= var.fargate_cpu * 2 && var.fargate_memory_mb <= var.fargate_cpu * 7.5
    error_message = "fargate_memory_mb must be between 2 and 7.5 GB for each vCPU."
  }
}

variable "fargate_over_bytes" {
  description = "Exports of more stored bytes are loaded by Fargate, smaller ones by the worker function itself. 0: every one by Fargate, which is for full exports only: with `small_tables = \"csl-stream\"` it would be a task for each table and minute."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.fargate_over_bytes >= 0
    error_message = "fargate_over_bytes must not be negative."
  }

  validation {
    condition     = var.fargate_over_bytes > 0 || var.compute != "fargate" || var.small_tables != "csl-stream"
    error_message = "With small_tables = \"csl-stream\" an export of each table comes every minute, and each would be a Fargate task: give a size in fargate_over_bytes, like 500000000."
  }
}

variable "fargate_subnet_ids" {
  description = "Subnets of the Fargate task; empty: those of `lambda_loader_subnet_ids`. They need a way to ControlShift, SQS, ECR and the Data API: a NAT gateway, or VPC endpoints and a NAT gateway for ControlShift's host."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = var.compute != "fargate" || length(concat(var.fargate_subnet_ids, var.lambda_loader_subnet_ids)) > 0
    error_message = "compute = \"fargate\" needs fargate_subnet_ids or lambda_loader_subnet_ids."
  }
}

variable "create_s3_endpoint" {
  description = "Makes the S3 gateway endpoint of the VPC and adds it to all route tables, as the old module did. Switch it off if the VPC has one, or is made in the same run: its route tables must be known."
  type        = bool
  default     = true
  nullable    = false
}
