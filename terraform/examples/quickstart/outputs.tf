output "webhook_url" {
  description = "Enter it in ControlShift at Settings > Integrations > Webhooks."
  value       = module.csl_stream.webhook_url
}

output "dashboard_name" {
  description = "The CloudWatch dashboard."
  value       = module.csl_stream.dashboard_name
}
