from hypothesis import HealthCheck, settings

# Time is no property here: the machine is shared, and some tests write to disk.
settings.register_profile(
    "shared", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared")
