"""The aiohttp servers: admission, health and metrics."""
