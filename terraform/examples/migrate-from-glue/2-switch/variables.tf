variable "aws_region" {
  description = "Region of Redshift."
  type        = string
  default     = "us-east-1"
}

variable "controlshift_aws_region" {
  description = "Region of your ControlShift instance."
  type        = string
  default     = "us-east-1"
}

variable "controlshift_hostname" {
  description = "Host name of your ControlShift instance."
  type        = string
}

variable "controlshift_organization_slug" {
  description = "Your organisation's slug in ControlShift."
  type        = string
}

variable "glue_scripts_bucket_name" {
  description = "Bucket of the Glue script."
  type        = string
}

variable "manifest_bucket_name" {
  description = "Bucket of the manifests."
  type        = string
}

variable "redshift_cluster_identifier" {
  description = "Identifier of the cluster."
  type        = string
}

variable "redshift_database_name" {
  description = "Database that holds the mirror."
  type        = string
}

variable "redshift_username" {
  description = "Database user."
  type        = string
}

variable "redshift_password" {
  description = "Its password."
  type        = string
  sensitive   = true
}

variable "vpc_id" {
  description = "VPC of the cluster."
  type        = string
}

variable "lambda_loader_subnet_ids" {
  description = "Subnets of the Lambda loader, and of the Fargate task."
  type        = list(string)
}

variable "lambda_loader_security_group_ids" {
  description = "Security groups of the Lambda loader."
  type        = list(string)
}

variable "lambda_zip_path" {
  description = "The zip file with csl-stream as `bootstrap`."
  type        = string
}

variable "container_image" {
  description = "Image with csl-stream."
  type        = string
}

variable "rest_api_id" {
  description = "Id of the API `controlshift-webhook-receiver`: the first part of the host name in the address of your webhook."
  type        = string
}

variable "back_to_glue" {
  description = "Whether the Glue job loads `signatures` again."
  type        = bool
  default     = false
}

variable "keep_old_loader" {
  description = "Whether the Lambda loader goes on loading what csl-stream does not: false is step 3."
  type        = bool
  default     = true
}

variable "webhook_secret_arn" {
  description = "Secret with the signing secret of the webhook endpoint, if it has one: the old module did not look at it. Now or later."
  type        = string
  default     = null
}
