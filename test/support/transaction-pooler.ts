/**
 * A pooler as PgBouncer is in transaction mode: whoever connects is let in without a question, and each of its
 * transactions gets one of a few connections to Postgres, the one that became free last. PostgreSQL manual, chapter 55.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Client } from 'pg'

export interface TransactionPooler {
  /** The database's URL with the pooler in Postgres's place. */
  url: string
  close(): Promise<void>
}

/** A connection to Postgres, handed from client to client. */
interface ServerConnection {
  stream: Socket
  end(): Promise<void>
}

const SSL_REQUEST = 80_877_103
const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const AUTHENTICATION_OK = message('R', Buffer.alloc(4))
const READY = message('Z', Buffer.from('I'))

/** `connectionsMax` is the pool's size; `refused` is a parameter of the startup that it does not know. */
export async function startTransactionPooler(
  databaseUrl: string,
  { connectionsMax = 2, refused = '' } = {},
): Promise<TransactionPooler> {
  const free = await Promise.all(Array.from({ length: connectionsMax }, () => connectServer(databaseUrl)))
  const all = [...free]
  const waiting: (() => void)[] = []
  const release = (server: ServerConnection) => {
    free.push(server)
    waiting.shift()?.()
  }
  const server = createServer((client) => {
    client.on('error', () => client.destroy())
    admit(client, refused, (bytes) => relay(client, bytes))
  })

  /** Gives the client a connection from its next message to the end of the transaction. */
  function relay(client: Socket, bytes: Buffer): void {
    const found = free.pop()
    if (!found) return void waiting.push(() => relay(client, bytes))
    const onClient = (more: Buffer) => found.stream.write(more)
    const onServer = (answer: Buffer) => {
      client.write(answer)
      // Ready for a query, and in no transaction.
      if (answer.subarray(-READY.length).equals(READY)) letGo()
    }
    const letGo = () => {
      client.off('data', onClient)
      found.stream.off('data', onServer)
      release(found)
      client.once('data', (next: Buffer) => (next[0] === 'X'.charCodeAt(0) ? client.end() : relay(client, next)))
    }
    found.stream.on('data', onServer)
    client.on('data', onClient)
    found.stream.write(bytes)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    async close() {
      server.close()
      await Promise.all(all.map((each) => each.end()))
    },
  }
}

/** The client's startup, up to the first message that is for Postgres. */
function admit(client: Socket, refused: string, onFirst: (bytes: Buffer) => void): void {
  client.once('data', (startup: Buffer) => {
    if (startup.readInt32BE(4) === SSL_REQUEST) {
      client.write('N')
      return admit(client, refused, onFirst)
    }
    if (refused && startup.includes(`\0${refused}\0`)) {
      const text = `SFATAL\0C08P01\0Munsupported startup parameter: ${refused}\0\0`
      return void client.end(message('E', Buffer.from(text)))
    }
    client.write(Buffer.concat([AUTHENTICATION_OK, READY]))
    client.once('data', onFirst)
  })
}

/** pg signs in; from then on the connection's bytes are passed on as they come. */
async function connectServer(url: string): Promise<ServerConnection> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  stream.removeAllListeners()
  stream.on('error', () => stream.destroy())
  return {
    stream,
    async end() {
      stream.destroy()
    },
  }
}
