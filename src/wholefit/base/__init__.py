"""The words everyone shares: params, errors, tasks, state, seeds, budgets, events."""
