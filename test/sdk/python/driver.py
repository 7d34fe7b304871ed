"""The Python SDK of Centrifugo's protocol, driven over standard input and output: see SdkDriver.ts for what is said."""

import asyncio
import json
import sys

from centrifuge import (
    Client,
    ClientEventHandler,
    ReplyError,
    StreamPosition,
    SubscriptionEventHandler,
)


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Driven:
    def __init__(self, command):
        self.number = command["client"]
        self.protobuf = command["encoding"] == "protobuf"
        self.tokens = asyncio.Queue()
        self.subscriptions = {}
        asks = {"get_token": self.ask} if command["asks"] else {}
        self.sdk = Client(
            command["url"],
            events=ClientEvents(self),
            token=command.get("token", ""),
            use_protobuf=self.protobuf,
            proxy=None,
            **asks,
        )

    def tell(self, event, **fields):
        say({"client": self.number, "event": event, **fields})

    async def ask(self):
        self.tell("token")
        return await self.tokens.get()

    def encode(self, data):
        return json.dumps(data).encode() if self.protobuf else data

    def decode(self, data):
        return json.loads(data) if self.protobuf else data

    def publication(self, pub):
        user = {} if pub.info is None else {"user": pub.info.user}
        return {"offset": pub.offset, "data": self.decode(pub.data), **user}

    def subscription(self, channel):
        if channel not in self.subscriptions:
            self.subscriptions[channel] = self.sdk.new_subscription(
                channel,
                events=SubscriptionEvents(self, channel),
                recoverable=True,
                join_leave=True,
            )
        return self.subscriptions[channel]

    async def do(self, command):
        what, channel = command["do"], command.get("channel", "")
        if what == "token":
            self.tokens.put_nowait(command["token"])
        elif what == "connect":
            await self.sdk.connect()
        elif what == "disconnect":
            await self.sdk.disconnect()
        elif what == "subscribe":
            await self.subscription(channel).subscribe()
        elif what == "unsubscribe":
            await self.subscription(channel).unsubscribe()
        elif what == "publish":
            await self.sdk.publish(channel, self.encode(command["data"]))
        elif what == "history":
            since = command.get("since")
            result = await self.sdk.history(
                channel,
                limit=command["limit"],
                since=StreamPosition(**since) if since else None,
                reverse=command["reverse"],
            )
            return {
                "publications": [self.publication(each) for each in result.publications],
                "position": {"offset": result.offset, "epoch": result.epoch},
            }
        elif what == "presence":
            result = await self.sdk.presence(channel)
            return {"presence": {id: info.user for id, info in result.clients.items()}}
        elif what == "presenceStats":
            result = await self.sdk.presence_stats(channel)
            return {"numClients": result.num_clients, "numUsers": result.num_users}
        elif what == "rpc":
            result = await self.sdk.rpc(command["method"], self.encode(command["data"]))
            return {"data": self.decode(result.data)}
        return {}


class ClientEvents(ClientEventHandler):
    def __init__(self, driven):
        self.driven = driven

    async def on_connected(self, ctx):
        self.driven.tell("connected", id=ctx.client)

    async def on_connecting(self, ctx):
        self.driven.tell("connecting", code=ctx.code, reason=ctx.reason)

    async def on_disconnected(self, ctx):
        self.driven.tell("disconnected", code=ctx.code, reason=ctx.reason)


class SubscriptionEvents(SubscriptionEventHandler):
    def __init__(self, driven, channel):
        self.driven = driven
        self.channel = channel

    def tell(self, event, **fields):
        self.driven.tell(event, channel=self.channel, **fields)

    async def on_subscribed(self, ctx):
        at = ctx.stream_position
        position = {} if at is None else {"position": {"offset": at.offset, "epoch": at.epoch}}
        self.tell("subscribed", wasRecovering=ctx.was_recovering, recovered=ctx.recovered, **position)

    async def on_unsubscribed(self, ctx):
        self.tell("unsubscribed", code=ctx.code)

    async def on_publication(self, ctx):
        self.tell("publication", **self.driven.publication(ctx.pub))

    async def on_join(self, ctx):
        self.tell("join", id=ctx.info.client, user=ctx.info.user)

    async def on_leave(self, ctx):
        self.tell("leave", id=ctx.info.client, user=ctx.info.user)


async def run(driven, command):
    try:
        say({"id": command["id"], "answer": await driven.do(command)})
    except ReplyError as error:
        say({"id": command["id"], "code": error.code, "message": error.message})
    except Exception as error:
        say({"id": command["id"], "code": 0, "message": repr(error)})


async def main():
    clients = {}
    running = set()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        if command["do"] == "open":
            clients[command["client"]] = Driven(command)
            say({"id": command["id"], "answer": {}})
        else:
            task = asyncio.create_task(run(clients[command["client"]], command))
            running.add(task)
            task.add_done_callback(running.discard)
    for driven in clients.values():
        await driven.sdk.disconnect()


asyncio.run(main())
