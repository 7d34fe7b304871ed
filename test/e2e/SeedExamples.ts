/** The examples of the Go Chat App's README, to the letter: whoever used it goes on with Parley unchanged. */

export const registerCommand = `curl -X POST http://localhost:4000/api/user/v1/register \\
  -H "Content-Type: application/json" \\
  -d '{"username":"testuser","password":"password123","full_name":"Test User"}'`

export const loginCommand = `curl -X POST http://localhost:4000/api/user/v1/login \\
  -H "Content-Type: application/json" \\
  -d '{"username":"testuser","password":"password123"}'`

export const historyCommand = `curl -X GET http://localhost:4000/api/message/v1/history \\
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN"`

export const clientScript = `const socket = new WebSocket('ws://localhost:8080/message/v1/send');

// Send message
socket.send(JSON.stringify({
    from: 'username',
    message: 'Hello, World!',
    date: new Date().toISOString()
}));

// Receive messages
socket.onmessage = function(event) {
    const message = JSON.parse(event.data);
    console.log(\`\${message.from}: \${message.message}\`);
};`

export const chatPage = `<!DOCTYPE html>
<html>
<head>
    <title>Go Chat App</title>
</head>
<body>
    <div id="messages"></div>
    <input type="text" id="messageInput" placeholder="Type your message...">
    <button onclick="sendMessage()">Send</button>

    <script>
        const socket = new WebSocket('ws://localhost:8080/message/v1/send');
        
        socket.onmessage = function(event) {
            const message = JSON.parse(event.data);
            document.getElementById('messages').innerHTML += 
                \`<p><strong>\${message.from}:</strong> \${message.message}</p>\`;
        };
        
        function sendMessage() {
            const input = document.getElementById('messageInput');
            socket.send(JSON.stringify({
                from: 'currentUser',
                message: input.value,
                date: new Date().toISOString()
            }));
            input.value = '';
        }
    </script>
</body>
</html>
`

interface Ports {
  readonly url: string
  readonly socketUrl: string
}

/** The text for a server that could not have the ports 4000 and 8080: nothing but the port numbers is another. */
export const onPortsOf = (text: string, { socketUrl, url }: Ports): string =>
  text
    .replaceAll("http://localhost:4000", `http://localhost:${new URL(url).port}`)
    .replaceAll("ws://localhost:8080", `ws://localhost:${new URL(socketUrl).port}`)
