// Centrifuge, the engine of Centrifugo, as one builds a chat on it: channels with a history in memory, recovery, presence, and everybody may do everything.
// It listens on PORT of 127.0.0.1 and answers 200 to every plain request. WRITE_DELAY_MS, where it is set, gathers what a socket gets for so long.
// Connection tokens are JWTs signed with HMAC SHA-256 by TOKEN_SECRET; without a token a socket is nobody.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
)

const (
	historySize = 100_000
	historyTTL  = time.Hour
	queueBytes  = 64 << 20
)

type claims struct {
	Subject string `json:"sub"`
	Expires int64  `json:"exp"`
}

func verify(token, secret string) (claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, errors.New("not a JWT")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		return claims{}, errors.New("another signature")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, err
	}
	var read claims
	if err := json.Unmarshal(payload, &read); err != nil {
		return claims{}, err
	}
	return read, nil
}

func main() {
	delay, _ := strconv.Atoi(os.Getenv("WRITE_DELAY_MS"))
	secret := os.Getenv("TOKEN_SECRET")

	// A closed loop may have much on its way to one socket: nobody is to be cut for it.
	node, err := centrifuge.New(centrifuge.Config{
		ClientQueueMaxSize:         queueBytes,
		ClientExpiredCloseDelay:    10 * time.Second,
		HistoryMaxPublicationLimit: 10_000,
	})
	if err != nil {
		log.Fatal(err)
	}

	node.OnConnecting(func(_ context.Context, event centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		reply := centrifuge.ConnectReply{
			Credentials:       &centrifuge.Credentials{},
			ClientSideRefresh: true,
			WriteDelay:        time.Duration(delay) * time.Millisecond,
		}
		if delay > 0 {
			reply.MaxMessagesInFrame = -1
		}
		if event.Token != "" {
			read, err := verify(event.Token, secret)
			if err != nil {
				return reply, centrifuge.DisconnectInvalidToken
			}
			if read.Expires <= time.Now().Unix() {
				return reply, centrifuge.ErrorTokenExpired
			}
			reply.Credentials = &centrifuge.Credentials{UserID: read.Subject, ExpireAt: read.Expires}
		}
		return reply, nil
	})

	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, answer centrifuge.SubscribeCallback) {
			answer(centrifuge.SubscribeReply{Options: centrifuge.SubscribeOptions{
				EnableRecovery: true,
				EmitPresence:   secret != "",
				EmitJoinLeave:  secret != "",
				PushJoinLeave:  secret != "",
			}}, nil)
		})
		client.OnPublish(func(event centrifuge.PublishEvent, answer centrifuge.PublishCallback) {
			result, err := node.Publish(event.Channel, event.Data,
				centrifuge.WithHistory(historySize, historyTTL), centrifuge.WithClientInfo(event.ClientInfo))
			answer(centrifuge.PublishReply{Result: &result}, err)
		})
		client.OnHistory(func(_ centrifuge.HistoryEvent, answer centrifuge.HistoryCallback) {
			answer(centrifuge.HistoryReply{}, nil)
		})
		client.OnPresence(func(_ centrifuge.PresenceEvent, answer centrifuge.PresenceCallback) {
			answer(centrifuge.PresenceReply{}, nil)
		})
		client.OnPresenceStats(func(_ centrifuge.PresenceStatsEvent, answer centrifuge.PresenceStatsCallback) {
			answer(centrifuge.PresenceStatsReply{}, nil)
		})
		client.OnRefresh(func(event centrifuge.RefreshEvent, answer centrifuge.RefreshCallback) {
			read, err := verify(event.Token, secret)
			answer(centrifuge.RefreshReply{ExpireAt: read.Expires, Expired: err != nil}, nil)
		})
	})

	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin: func(*http.Request) bool { return true },
	}))
	http.HandleFunc("/", func(response http.ResponseWriter, _ *http.Request) { response.WriteHeader(http.StatusOK) })
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
