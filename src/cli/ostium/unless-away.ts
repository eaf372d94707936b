/** What the command line asks of a chain by its own clients. */
import { ChainUnavailable } from '../../adapters/chain/rpc.ts'

/** The same, which rejects with ChainUnavailable where the node does not answer. */
export async function unlessAway<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    const { isAway } = await import('../../embedded/market/chain-access.ts')
    throw isAway(error) ? new ChainUnavailable('The chain does not answer.', { cause: error }) : error
  }
}
