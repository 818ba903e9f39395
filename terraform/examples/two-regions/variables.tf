variable "us" {
  description = "The instance in the US."
  type = object({
    hostname           = string
    slug               = string
    webhook_secret_arn = string
    cluster            = string
    database           = string
  })
}

variable "eu" {
  description = "The instance in the EU."
  type = object({
    hostname           = string
    slug               = string
    webhook_secret_arn = string
    cluster            = string
    database           = string
  })
}

variable "bucket_prefix" {
  description = "First part of the buckets' names."
  type        = string
}

variable "lambda_zip_path" {
  description = "The zip file with csl-stream as `bootstrap`; each region gets its own copy."
  type        = string
}
