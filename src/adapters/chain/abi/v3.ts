/**
 * The trading contracts that calldata is built for, version 3: functions with their selectors, errors and events. Plain data. The
 * contracts move, and each version has a file of its own. Prices have 18 decimals, USDC 6, leverage and per cent 2.
 */

const uint256 = <const N extends string>(name: N) => ({ name, type: 'uint256' }) as const
const uint192 = <const N extends string>(name: N) => ({ name, type: 'uint192' }) as const
const uint32 = <const N extends string>(name: N) => ({ name, type: 'uint32' }) as const
const address = <const N extends string>(name: N) => ({ name, type: 'address' }) as const
const pairIndex = { name: 'pairIndex', type: 'uint16' } as const
const index = { name: 'index', type: 'uint8' } as const
const buy = { name: 'buy', type: 'bool' } as const
const place = [address('trader'), pairIndex, index] as const

const trade = {
  name: 't',
  type: 'tuple',
  components: [
    ...[uint256('collateral'), uint192('openPrice'), uint192('tp'), uint192('sl')],
    ...[address('trader'), uint32('leverage'), pairIndex, index, buy],
  ],
} as const

const builderFee = { name: 'bf', type: 'tuple', components: [address('builder'), uint32('builderFee')] } as const

const limitOrder = {
  name: 'o',
  type: 'tuple',
  components: [
    ...[uint256('collateral'), uint192('targetPrice'), uint192('tp'), uint192('sl'), address('trader')],
    ...[uint32('leverage'), uint32('createdAt'), uint32('lastUpdated'), pairIndex],
    ...[{ name: 'orderType', type: 'uint8' } as const, index, buy],
  ],
} as const

const writes = (contract: 'trading' | 'usdc') =>
  ({ contract, stateMutability: 'nonpayable', outputs: [] as readonly [] }) as const
const reads = <const C extends string>(contract: C) => ({ contract, stateMutability: 'view' }) as const

export const functions = {
  openTrade: {
    ...writes('trading'),
    selector: '0x742088c0',
    inputs: [trade, builderFee, { name: 'orderType', type: 'uint8' }, uint256('slippageP')],
  },
  closeTradeMarket: {
    ...writes('trading'),
    selector: '0xefc10755',
    inputs: [
      ...[pairIndex, index, { name: 'closePercentage', type: 'uint16' } as const],
      ...[uint192('marketPrice'), uint32('slippageP')],
    ],
  },
  cancelOpenLimitOrder: { ...writes('trading'), selector: '0xc444e746', inputs: [pairIndex, index] },
  openTradeMarketTimeout: { ...writes('trading'), selector: '0x876d3abd', inputs: [uint256('order')] },
  closeTradeMarketTimeout: {
    ...writes('trading'),
    selector: '0x3f21ea62',
    inputs: [uint256('order'), { name: 'retry', type: 'bool' }],
  },
  updateOpenLimitOrder: {
    ...writes('trading'),
    selector: '0x4f9a9e64',
    inputs: [pairIndex, index, uint192('price'), uint192('tp'), uint192('sl')],
  },
  updateTp: { ...writes('trading'), selector: '0xbe9267be', inputs: [pairIndex, index, uint192('newTp')] },
  updateSl: { ...writes('trading'), selector: '0xe2441c04', inputs: [pairIndex, index, uint192('newSl')] },
  topUpCollateral: {
    ...writes('trading'),
    selector: '0x0a21b1a1',
    inputs: [pairIndex, index, uint256('topUpAmount')],
  },
  removeCollateral: {
    ...writes('trading'),
    selector: '0x56ac637e',
    inputs: [pairIndex, index, uint256('removeAmount')],
  },
  setDelegate: { ...writes('trading'), selector: '0xca5eb5e1', inputs: [address('delegate')] },
  removeDelegate: { ...writes('trading'), selector: '0x36fb8b15', inputs: [] },
  delegatedAction: {
    ...writes('trading'),
    selector: '0x9a10cc32',
    inputs: [address('trader'), { name: 'call', type: 'bytes' }],
  },
  delegations: {
    ...reads('trading'),
    selector: '0xbffe3486',
    inputs: [address('delegator')],
    outputs: [address('delegate')],
  },
  approve: {
    ...writes('usdc'),
    selector: '0x095ea7b3',
    inputs: [address('spender'), uint256('amount')],
  },
  allowance: {
    ...reads('usdc'),
    selector: '0xdd62ed3e',
    inputs: [address('owner'), address('spender')],
    outputs: [uint256('remaining')],
  },
  balanceOf: { ...reads('usdc'), selector: '0x70a08231', inputs: [address('owner')], outputs: [uint256('balance')] },
  getOpenTrade: { ...reads('tradingStorage'), selector: '0x4f786488', inputs: place, outputs: [trade] },
  getOpenLimitOrder: { ...reads('tradingStorage'), selector: '0x806f988e', inputs: place, outputs: [limitOrder] },
  hasOpenLimitOrder: {
    ...reads('tradingStorage'),
    selector: '0x3d3aa417',
    inputs: place,
    outputs: [{ name: 'has', type: 'bool' }],
  },
} as const

export type FunctionName = keyof typeof functions

export const errors = {
  NotDelegate: { selector: '0x502b946d', inputs: [address('trader'), address('caller')] },
  NoDelegate: { selector: '0x2a917859', inputs: [address('caller')] },
  NullAddr: { selector: '0xf3d0b126', inputs: [] },
  DelegatedActionFailed: { selector: '0x5be5878a', inputs: [] },
  WrongParams: { selector: '0x5863f789', inputs: [] },
  WrongLeverage: { selector: '0x35fe85c5', inputs: [uint32('leverage')] },
  WrongTP: { selector: '0xa41bb918', inputs: [] },
  WrongSL: { selector: '0x083fbd78', inputs: [] },
  PairNotListed: { selector: '0xcb87b762', inputs: [pairIndex] },
  BelowMinLevPos: { selector: '0xeca695e1', inputs: [] },
  BelowFees: { selector: '0xf120e11f', inputs: [] },
  AboveMaxAllowedCollateral: { selector: '0x80a71fc5', inputs: [] },
  ExposureLimits: { selector: '0x46c4ede2', inputs: [] },
  MaxTradesPerPairReached: { selector: '0xe6f47fab', inputs: [address('trader'), pairIndex] },
  MaxPendingMarketOrdersReached: { selector: '0x5c12ea62', inputs: [address('trader')] },
  NoTradeFound: { selector: '0x17e08e97', inputs: place },
  NoLimitFound: { selector: '0xa35ee470', inputs: place },
  NoOpenLimitOrder: { selector: '0x8aefb98e', inputs: place },
  AlreadyMarketClosed: { selector: '0xf77a8069', inputs: place },
  TriggerPending: { selector: '0xdd9397bb', inputs: place },
  NoTradeToTimeoutFound: { selector: '0xefa9e5be', inputs: [uint256('order')] },
  NotYourOrder: { selector: '0x5ac89f62', inputs: [uint256('order'), address('trader')] },
  NotOpenMarketTimeoutOrder: { selector: '0x1add0915', inputs: [uint256('order')] },
  NotCloseMarketTimeoutOrder: { selector: '0xc7fe4d00', inputs: [uint256('order')] },
  WaitTimeout: { selector: '0x3e0b1869', inputs: [uint256('order')] },
  IsPaused: { selector: '0x1309a563', inputs: [] },
  IsDone: { selector: '0x084986e7', inputs: [] },
} as const

const indexed = <const P extends { name: string; type: string }>(parameter: P) =>
  ({ ...parameter, indexed: true }) as const

const ofTrader = [indexed(address('trader')), indexed(pairIndex), index] as const
const ofTrade = [indexed(uint256('tradeId')), indexed(address('trader')), indexed(pairIndex)] as const

/** `topic`: the hash of the signature, by which logs are found. */
export const events = {
  MarketOpenOrderInitiated: {
    topic: '0xfb4a26aa34682aa753cb2aa37ef1bc38eee1af6719db3a8cfe892c50406ea0e0',
    inputs: [indexed(uint256('orderId')), indexed(address('trader')), indexed(pairIndex)],
  },
  MarketCloseOrderInitiatedV2: {
    topic: '0x955808f2a23e3a3fcfd1b56a9d3f3c2a9d90efb4701e855f40f3d4c416299960',
    inputs: [
      ...[indexed(uint256('orderId')), indexed(uint256('tradeId')), indexed(address('trader'))],
      ...[pairIndex, { name: 'closePercentage', type: 'uint16' } as const],
    ],
  },
  OpenLimitPlaced: { topic: '0xc5bd5ba70b0fccae9ac4984c1b7e09d0eb00930a72e0712688fc62b4ae70ebc5', inputs: ofTrader },
  OpenLimitUpdated: {
    topic: '0x98ea8314653e032ef95264476f2ddc4b25ce0b46a0922eb44c1b9a2b36d22e59',
    inputs: [...ofTrader, uint192('newPrice'), uint192('newTp'), uint192('newSl')],
  },
  OpenLimitCanceled: { topic: '0xaf0078fc6c9ab6530300cd0b84ca36d3044534d9373536a0d877062d8e6f9204', inputs: ofTrader },
  TpUpdated: {
    topic: '0x9b366191a0c4e7c25058a6d889cd01c574bcea6e4e9adae8b3d1137feee2e30a',
    inputs: [...ofTrade, index, uint192('newTp')],
  },
  SlUpdated: {
    topic: '0x2a0cf479e0dd902b509864ced4798e3fe7cd156160ced3e2b995f7e4fc658e6a',
    inputs: [...ofTrade, index, uint192('newSl')],
  },
  TopUpCollateralExecuted: {
    topic: '0xb8b06ffba533648c51873664083df052298f05b366a088e0c11b3c45b483f7c8',
    inputs: [...ofTrade, uint256('topUpAmount'), uint32('newLeverage')],
  },
  DelegateAdded: {
    topic: '0x12dade473695d73bd34e031c850d5e815fa17a42b1b5ba13ff72de2497c5e309',
    inputs: [indexed(address('delegator')), indexed(address('delegate'))],
  },
  DelegateRemoved: {
    topic: '0xe8514dd4be968431135580c26314ec35afafc8178268603f99625584960d9c16',
    inputs: [indexed(address('delegator')), indexed(address('delegate'))],
  },
} as const
