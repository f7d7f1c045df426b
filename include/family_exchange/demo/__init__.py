"""The whole journey on one machine: servers, a synthetic council, partners, people, the summary."""
