"""Celery's Redis transport, made to outlive the death of Redis.

When Redis dies while a worker has messages in hand, kombu 5.7 gives up their channel, and acknowledging or putting
back a message afterwards ends the worker with an AttributeError. Messages are hints here: one that can no longer
be acknowledged is let go, and what was in a worker's hands is announced again by the tick.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis


class QoS(redis.QoS):
    """The messages in a worker's hands."""

    restore_at_shutdown = False

    def append(self, message: Any, delivery_tag: str) -> None:
        if self._channel_open():
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        if self._channel_open():
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if self._channel_open():
            super().reject(delivery_tag, requeue=requeue)

    def restore_visible(self, *arguments: Any, **options: Any) -> Any:
        return super().restore_visible(*arguments, **options) if self._channel_open() else None

    def _channel_open(self) -> bool:
        return self.channel.connection is not None


class Channel(redis.Channel):
    """A channel with that care."""

    QoS = QoS


class Transport(redis.Transport):
    """The transport of that channel."""

    Channel = Channel
