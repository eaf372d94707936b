/** Where the trading contracts lie on the public chains. USDC has six decimals on each. */
import type { Address } from './address.ts'

export interface Contracts {
  usdc: Address
  trading: Address
  /** Spends the USDC of traders, so approvals name it. */
  tradingStorage: Address
}

export interface Network extends Contracts {
  chainId: number
}

export const networks = {
  arbitrum: {
    chainId: 42_161,
    usdc: '0xaf88d065e77c8cC2239327C5EDb3A432268e5831',
    trading: '0x6D0bA1f9996DBD8885827e1b2e8f6593e7702411',
    tradingStorage: '0xcCd5891083A8acD2074690F65d3024E7D13d66E7',
  },
  'arbitrum-sepolia': {
    chainId: 421_614,
    usdc: '0xe73B11Fb1e3eeEe8AF2a23079A4410Fe1B370548',
    trading: '0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe',
    tradingStorage: '0x0b9F5243B29938668c9Cfbd7557A389EC7Ef88b8',
  },
} as const satisfies Record<string, Network>

/** Never a public chain's: what is signed for the local one is worth nothing elsewhere. */
export const LOCAL_CHAIN_ID = 31_337
