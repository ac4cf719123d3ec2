// Billing
