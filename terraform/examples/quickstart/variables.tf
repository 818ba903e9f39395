variable "aws_region" {
  description = "Region of Redshift and of everything else."
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

variable "webhook_secret" {
  description = "Signing secret that you entered for the webhook endpoint in ControlShift."
  type        = string
  sensitive   = true
}

variable "bucket_prefix" {
  description = "First part of the buckets' names, which must be like no other's in all of AWS."
  type        = string
}

variable "lambda_zip_path" {
  description = "The zip file with csl-stream as `bootstrap`."
  type        = string
}
