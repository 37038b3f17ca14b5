// The Editor's debugger as a process: socket.io-client with the options that the Editor passes, driven by one JSON object
// a line on standard input and answering each with one line on standard output.
//
//   {"id":1,"op":"connect","session":"a","url":"https://…/api/debug","token":"…"}
//   {"id":2,"op":"command","session":"a","command":"45 DE AD 00 00"}         one command, its answer
//   {"id":3,"op":"burst","session":"a","commands":["…","…"]}                 all at once, then as many answers, in order
//   {"id":4,"op":"poll","session":"a","command":"…","count":1000}            one after the other; count, seconds, last answer
//   {"id":5,"op":"emit","session":"a","event":"reauth","reply":"reauth_result","body":{…}}
//   {"id":6,"op":"received","session":"a"}                                   how many debug_response have come so far
//   {"id":7,"op":"disconnect","session":"a"}
//
// Answers: {"id":1,"result":…} or {"id":1,"error":"…"}.

import { io } from 'socket.io-client'
import { createInterface } from 'node:readline'

const ANSWER_TIME = 5000

class Session {
  received = 0
  answers = []
  waiting = []
  closed = null

  async connect(url, token) {
    this.socket = io(url, {
      transports: ['websocket'],
      auth: { token },
      reconnection: false,
      timeout: 5000,
      rejectUnauthorized: false,
      forceNew: true, // each session is an Editor of its own and may not share a connection
    })
    this.socket.on('debug_response', (body) => {
      this.received += 1
      const waiter = this.waiting.shift()
      if (waiter) waiter(body)
      else this.answers.push(body)
    })
    this.socket.on('disconnect', (reason) => { this.closed = reason })
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('Connection timeout')), ANSWER_TIME)
      this.socket.on('connected', (body) => { clearTimeout(timer); resolve(body) })
      this.socket.on('connect_error', (error) => { clearTimeout(timer); reject(error) })
    })
  }

  answer() {
    if (this.answers.length > 0) return Promise.resolve(this.answers.shift())
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('Request timeout')), ANSWER_TIME)
      this.waiting.push((body) => { clearTimeout(timer); resolve(body) })
    })
  }

  command(command) {
    const answer = this.answer()
    this.socket.emit('debug_command', { command })
    return answer
  }

  async burst(commands) {
    const answers = commands.map(() => this.answer())
    for (const command of commands) this.socket.emit('debug_command', { command })
    return Promise.all(answers)
  }

  async poll(command, count) {
    const start = performance.now()
    let last
    for (let i = 0; i < count; i++) {
      last = await this.command(command)
      if (!last.success) throw new Error(`poll ${i}: ${JSON.stringify(last)}`)
    }
    return { count, seconds: (performance.now() - start) / 1000, last }
  }

  emit(event, reply, body) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${reply}`)), ANSWER_TIME)
      this.socket.once(reply, (answer) => { clearTimeout(timer); resolve(answer) })
      this.socket.emit(event, body)
    })
  }
}

const sessions = new Map()

async function perform(request) {
  if (request.op === 'connect') {
    const session = new Session()
    sessions.set(request.session, session)
    return session.connect(request.url, request.token)
  }
  const session = sessions.get(request.session)
  if (!session) throw new Error(`no session ${request.session}`)
  switch (request.op) {
    case 'command': return session.command(request.command)
    case 'burst': return session.burst(request.commands)
    case 'poll': return session.poll(request.command, request.count)
    case 'emit': return session.emit(request.event, request.reply, request.body)
    case 'received': return { received: session.received, closed: session.closed }
    case 'disconnect': session.socket.disconnect(); sessions.delete(request.session); return {}
    default: throw new Error(`unknown operation ${request.op}`)
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line)
  const answer = (body) => process.stdout.write(JSON.stringify({ id: request.id, ...body }) + '\n')
  perform(request).then((result) => answer({ result }), (error) => answer({ error: error.message }))
}).on('close', () => process.exit(0))
