terraform {
  # 1.11 brought write-only arguments: passwords and signing secrets stay out of the state.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.0 brought `region` for each resource, so that the manifest bucket needs no second provider; 6.25 brought
      # `plaintext_wo` of aws_kms_ciphertext. It is the version whose schema the checks know.
      version = ">= 6.25, < 7.0"
    }
    http = {
      source  = "hashicorp/http"
      version = ">= 3.4"
    }
    random = {
      source  = "hashicorp/random"
      version = ">= 3.6"
    }
  }
}
