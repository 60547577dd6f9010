"""What explanations, diagnoses and audits are worth: against truth, peers, and the clock."""
