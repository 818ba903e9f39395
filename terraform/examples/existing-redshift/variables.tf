variable "aws_region" {
  description = "Region of the cluster."
  type        = string
  default     = "eu-west-1"
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

variable "lambda_zip_path" {
  description = "The zip file with csl-stream as `bootstrap`."
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
