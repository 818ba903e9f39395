output "webhook_urls" {
  description = "Enter each in its ControlShift instance."
  value       = { us = module.us.webhook_url, eu = module.eu.webhook_url }
}

output "attach_copy_role_commands" {
  description = "Run each once."
  value       = [module.us.attach_copy_role_command, module.eu.attach_copy_role_command]
}
