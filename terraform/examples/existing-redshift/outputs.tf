output "webhook_url" {
  description = "Enter it in ControlShift at Settings > Integrations > Webhooks."
  value       = module.csl_stream.webhook_url
}

output "attach_copy_role_command" {
  description = "Run it once: it lets COPY read the staging bucket."
  value       = module.csl_stream.attach_copy_role_command
}
