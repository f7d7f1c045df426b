"""The people of the demo: scripted, named, and each with a log-in of their own."""

PROGRAMME_LEAD = "programme.lead"
"""Decides proposals, and signs returns off first."""
OFFICER = "data.protection"
"""Signs returns off second, and approves destruction."""
VISITOR = "visitor"
"""You."""
REASON = "meets_the_framework"
"""What the scripted lead gives as reason."""
LEAD_WORKERS = (("lead.worker.one", "Early Help"), ("lead.worker.two", "a school"), ("lead.worker.three", "housing"))
"""Who coordinates the support of families, and whom they work for; none of them logs in."""
