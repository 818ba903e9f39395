# What is let go: in the account it stays as it is, and Terraform forgets it. An address that your state does
# not have does no harm.

removed {
  from = module.controlshift_redshift_sync.aws_glue_catalog_database.catalog_db

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_glue_connection.redshift_connection

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_glue_crawler.signatures_crawler

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_glue_job.signatures_full

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_s3_object.signatures_script

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_s3_bucket_object.signatures_script

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role.glue_service_role

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role_policy_attachment.glue_resources

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role_policy_attachment.redshift_full_access

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role_policy.controlshift_data_export_bucket_access

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role_policy.controlshift_glue_scripts_bucket_access

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_sqs_queue.receiver_queue_glue

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_lambda_function.glue_crawler_lambda

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_lambda_event_source_mapping.run_crawler_on_new_data_export_task

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role.run_glue_crawler_lambda_role

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role_policy.lambda_run_glue_crawler

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_cloudwatch_event_rule.trigger_glue_job_on_crawler_finished

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_cloudwatch_event_target.trigger_run_glue_job_lambda

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_lambda_function.glue_job_lambda

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_lambda_permission.allow_crawler_ran_cloudwatch_event

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role.run_glue_job_lambda_role

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_iam_role_policy.lambda_run_glue_job

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_cloudwatch_event_rule.successful_glue_job_run

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_cloudwatch_event_target.notify_successful_glue_job

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_cloudwatch_event_rule.failed_glue_job_run

  lifecycle {
    destroy = false
  }
}

removed {
  from = module.controlshift_redshift_sync.aws_cloudwatch_event_target.notify_failed_glue_job

  lifecycle {
    destroy = false
  }
}
