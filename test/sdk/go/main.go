// The Go SDK of Centrifugo's protocol, driven over standard input and output: see SdkDriver.ts for what is said.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

const callTimeout = 10 * time.Second

type position struct {
	Offset uint64 `json:"offset"`
	Epoch  string `json:"epoch"`
}

type command struct {
	ID       int             `json:"id"`
	Client   int             `json:"client"`
	Do       string          `json:"do"`
	URL      string          `json:"url"`
	Encoding string          `json:"encoding"`
	Token    string          `json:"token"`
	Asks     bool            `json:"asks"`
	Channel  string          `json:"channel"`
	Data     json.RawMessage `json:"data"`
	Method   string          `json:"method"`
	Limit    int32           `json:"limit"`
	Reverse  bool            `json:"reverse"`
	Since    *position       `json:"since"`
}

type object map[string]any

var (
	output  = json.NewEncoder(os.Stdout)
	writing sync.Mutex
)

func say(line object) {
	writing.Lock()
	defer writing.Unlock()
	_ = output.Encode(line)
}

type driven struct {
	number int
	sdk    *centrifuge.Client
	tokens chan string
}

func (d *driven) tell(event string, fields object) {
	fields["client"] = d.number
	fields["event"] = event
	say(fields)
}

func publication(from centrifuge.Publication) object {
	shown := object{"offset": from.Offset, "data": json.RawMessage(from.Data)}
	if from.Info != nil {
		shown["user"] = from.Info.User
	}
	return shown
}

func open(c command) *driven {
	d := &driven{number: c.Client, tokens: make(chan string, 1)}
	config := centrifuge.Config{Token: c.Token}
	if c.Asks {
		config.GetToken = func(centrifuge.ConnectionTokenEvent) (string, error) {
			d.tell("token", object{})
			return <-d.tokens, nil
		}
	}
	if c.Encoding == "protobuf" {
		d.sdk = centrifuge.NewProtobufClient(c.URL, config)
	} else {
		d.sdk = centrifuge.NewJsonClient(c.URL, config)
	}
	d.sdk.OnConnected(func(e centrifuge.ConnectedEvent) { d.tell("connected", object{"id": e.ClientID}) })
	d.sdk.OnConnecting(func(e centrifuge.ConnectingEvent) {
		d.tell("connecting", object{"code": e.Code, "reason": e.Reason})
	})
	d.sdk.OnDisconnected(func(e centrifuge.DisconnectedEvent) {
		d.tell("disconnected", object{"code": e.Code, "reason": e.Reason})
	})
	return d
}

func (d *driven) subscription(channel string) (*centrifuge.Subscription, error) {
	if before, ok := d.sdk.GetSubscription(channel); ok {
		return before, nil
	}
	made, err := d.sdk.NewSubscription(channel, centrifuge.SubscriptionConfig{Recoverable: true, JoinLeave: true})
	if err != nil {
		return nil, err
	}
	made.OnSubscribed(func(e centrifuge.SubscribedEvent) {
		fields := object{"channel": channel, "wasRecovering": e.WasRecovering, "recovered": e.Recovered}
		if e.StreamPosition != nil {
			fields["position"] = position{e.StreamPosition.Offset, e.StreamPosition.Epoch}
		}
		d.tell("subscribed", fields)
	})
	made.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) {
		d.tell("unsubscribed", object{"channel": channel, "code": e.Code})
	})
	made.OnPublication(func(e centrifuge.PublicationEvent) {
		fields := publication(e.Publication)
		fields["channel"] = channel
		d.tell("publication", fields)
	})
	made.OnJoin(func(e centrifuge.JoinEvent) {
		d.tell("join", object{"channel": channel, "id": e.Client, "user": e.User})
	})
	made.OnLeave(func(e centrifuge.LeaveEvent) {
		d.tell("leave", object{"channel": channel, "id": e.Client, "user": e.User})
	})
	return made, nil
}

func (d *driven) do(c command) (object, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	answer := object{}
	switch c.Do {
	case "token":
		d.tokens <- c.Token
	case "connect":
		// A first dial that fails is tried again: the events tell.
		_ = d.sdk.Connect()
	case "disconnect":
		return answer, d.sdk.Disconnect()
	case "subscribe", "unsubscribe":
		subscription, err := d.subscription(c.Channel)
		if err != nil {
			return nil, err
		}
		if c.Do == "subscribe" {
			return answer, subscription.Subscribe()
		}
		return answer, subscription.Unsubscribe()
	case "publish":
		_, err := d.sdk.Publish(ctx, c.Channel, c.Data)
		return answer, err
	case "history":
		options := []centrifuge.HistoryOption{centrifuge.WithHistoryLimit(c.Limit), centrifuge.WithHistoryReverse(c.Reverse)}
		if c.Since != nil {
			since := &centrifuge.StreamPosition{Offset: c.Since.Offset, Epoch: c.Since.Epoch}
			options = append(options, centrifuge.WithHistorySince(since))
		}
		result, err := d.sdk.History(ctx, c.Channel, options...)
		if err != nil {
			return nil, err
		}
		publications := []object{}
		for _, each := range result.Publications {
			publications = append(publications, publication(each))
		}
		answer["publications"] = publications
		answer["position"] = position{result.Offset, result.Epoch}
	case "presence":
		result, err := d.sdk.Presence(ctx, c.Channel)
		if err != nil {
			return nil, err
		}
		users := object{}
		for id, info := range result.Clients {
			users[id] = info.User
		}
		answer["presence"] = users
	case "presenceStats":
		result, err := d.sdk.PresenceStats(ctx, c.Channel)
		if err != nil {
			return nil, err
		}
		answer["numClients"] = result.NumClients
		answer["numUsers"] = result.NumUsers
	case "rpc":
		result, err := d.sdk.RPC(ctx, c.Method, c.Data)
		if err != nil {
			return nil, err
		}
		answer["data"] = json.RawMessage(result.Data)
	default:
		return nil, errors.New("unknown command " + c.Do)
	}
	return answer, nil
}

func run(d *driven, c command) {
	answer, err := d.do(c)
	var refused *centrifuge.Error
	switch {
	case errors.As(err, &refused):
		say(object{"id": c.ID, "code": refused.Code, "message": refused.Message})
	case err != nil:
		say(object{"id": c.ID, "code": 0, "message": err.Error()})
	default:
		say(object{"id": c.ID, "answer": answer})
	}
}

func main() {
	clients := map[int]*driven{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic(err)
		}
		if c.Do == "open" {
			clients[c.Client] = open(c)
			say(object{"id": c.ID, "answer": object{}})
		} else if d, ok := clients[c.Client]; ok {
			go run(d, c)
		}
	}
}
