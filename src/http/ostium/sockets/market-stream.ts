/** GET /v1/market/stream: prices, as they come. */
import { publicAccess } from '../../access.ts'
import { upgrade } from '../../answers.ts'
import { operation } from '../access.ts'

export const marketStream = operation({
  ...{ method: 'get', path: '/v1/market/stream', id: 'marketStream', access: publicAccess, tags: ['Market'] },
  isRead: true,
  summary: 'Prices over a WebSocket',
  description: [
    'Each message is the price of one pair as JSON: `feed_id`, `bid`, `mid`, `ask`, `isMarketOpen`, `isDayTradingClosed`, `secondsToToggleIsDayTradingClosed`, `from`, `to`, `timestampSeconds`. The latest of each pair comes first.',
    'When prices stop coming, one `{"type":"error","message":"Upstream disconnected"}` says so. What a client sends is dropped. A client that takes too little gets only the latest prices, and after a while is closed with 1013.',
  ].join('\n\n'),
  answers: { 101: upgrade('The socket.') },
  refuses: ['sockets_full'],
  async handle({ feed, sockets, caller }) {
    const address = caller.address()
    sockets.requirePlace(address)
    let leave: (() => void)[] = []
    return {
      status: 101,
      socket: {
        onOpen(socket) {
          leave = [sockets.enter(address), feed.add(socket)]
        },
        onClose() {
          for (const each of leave) each()
        },
      },
    }
  },
})
