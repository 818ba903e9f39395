variable "aws_region" {
  description = "Region of the cluster."
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

variable "webhook_secret_arn" {
  description = "Secret that holds the signing secret of the webhook endpoint."
  type        = string
}

variable "bucket_prefix" {
  description = "First part of the buckets' names."
  type        = string
}

variable "artifacts_bucket" {
  description = "Bucket that holds csl-stream's zip file."
  type        = string
}

variable "container_image" {
  description = "Image with csl-stream."
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

variable "vpc_id" {
  description = "VPC of the cluster."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets with a NAT gateway."
  type        = list(string)
}

variable "redshift_secret_arn" {
  description = "Secret with the database user and its password."
  type        = string
}

variable "kms_key_arn" {
  description = "Your key for everything that is stored; null: AWS's own."
  type        = string
  default     = null
}

variable "alarm_topic_arns" {
  description = "Topics of those who are on call."
  type        = list(string)
  default     = []
}
