/**
 * The messages of Centrifugo's client protocol, version 2, as far as they are spoken here: our own text, with the numbers that every client has (centrifugal/protocol,
 * definitions/client.proto). `data`, `conn_info` and `chan_info` hold JSON.
 */
export const protobufSchema = `
syntax = "proto3";
message Error { uint32 code = 1; string message = 2; bool temporary = 3; }
message Empty {}
message Position { uint64 offset = 1; string epoch = 2; }
message ClientInfo { string user = 1; string client = 2; bytes conn_info = 3; bytes chan_info = 4; }
message Publication { bytes data = 4; ClientInfo info = 5; uint64 offset = 6; }

message ConnectRequest { string token = 1; bytes data = 2; string name = 4; string version = 5; }
message SubscribeRequest {
  string channel = 1; string token = 2; bool recover = 3; string epoch = 6; uint64 offset = 7; bytes data = 8;
  bool positioned = 9; bool recoverable = 10; bool join_leave = 11;
}
message ChannelRequest { string channel = 1; }
message PublishRequest { string channel = 1; bytes data = 2; }
message HistoryRequest { string channel = 1; int32 limit = 7; Position since = 8; bool reverse = 9; }
message SendRequest { bytes data = 1; }
message RpcRequest { bytes data = 1; string method = 2; }
message RefreshRequest { string token = 1; }
message SubRefreshRequest { string channel = 1; string token = 2; }
message Command {
  uint32 id = 1;
  ConnectRequest connect = 4; SubscribeRequest subscribe = 5; ChannelRequest unsubscribe = 6; PublishRequest publish = 7;
  ChannelRequest presence = 8; ChannelRequest presence_stats = 9; HistoryRequest history = 10; Empty ping = 11;
  SendRequest send = 12; RpcRequest rpc = 13; RefreshRequest refresh = 14; SubRefreshRequest sub_refresh = 15;
}

message ConnectResult {
  string client = 1; string version = 2; bool expires = 3; uint32 ttl = 4; bytes data = 5; uint32 ping = 7; bool pong = 8;
}
message SubscribeResult {
  bool expires = 1; uint32 ttl = 2; bool recoverable = 3; string epoch = 6; repeated Publication publications = 7;
  bool recovered = 8; uint64 offset = 9; bool positioned = 10; bytes data = 11; bool was_recovering = 12;
}
message PresenceResult { map<string, ClientInfo> presence = 1; }
message PresenceStatsResult { uint32 num_clients = 1; uint32 num_users = 2; }
message HistoryResult { repeated Publication publications = 1; string epoch = 2; uint64 offset = 3; }
message RpcResult { bytes data = 1; }
message RefreshResult { string client = 1; string version = 2; bool expires = 3; uint32 ttl = 4; }
message SubRefreshResult { bool expires = 1; uint32 ttl = 2; }
message InfoPush { ClientInfo info = 1; }
message UnsubscribePush { uint32 code = 2; string reason = 3; }
message DisconnectPush { uint32 code = 1; string reason = 2; bool reconnect = 3; }
message Push {
  string channel = 2; Publication pub = 4; InfoPush join = 5; InfoPush leave = 6; UnsubscribePush unsubscribe = 7;
  DisconnectPush disconnect = 11;
}
message Reply {
  uint32 id = 1; Error error = 2; Push push = 4; ConnectResult connect = 5; SubscribeResult subscribe = 6;
  Empty unsubscribe = 7; Empty publish = 8; PresenceResult presence = 9; PresenceStatsResult presence_stats = 10;
  HistoryResult history = 11; Empty ping = 12; RpcResult rpc = 13; RefreshResult refresh = 14;
  SubRefreshResult sub_refresh = 15;
}
`
