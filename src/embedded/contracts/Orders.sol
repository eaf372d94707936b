// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.30;

/// What both trading contracts speak of. Prices have 18 decimals, collateral 6, leverage and slippage 2.

struct Trade {
    uint256 collateral;
    uint192 openPrice;
    uint192 tp;
    uint192 sl;
    address trader;
    uint32 leverage;
    uint16 pairIndex;
    uint8 index;
    bool buy;
}

struct BuilderFee {
    address builder;
    uint32 builderFee;
}

enum OrderType {
    Market,
    Limit,
    Stop
}

struct OpenLimitOrder {
    uint256 collateral;
    uint192 targetPrice;
    uint192 tp;
    uint192 sl;
    address trader;
    uint32 leverage;
    uint32 createdAt;
    uint32 lastUpdated;
    uint16 pairIndex;
    OrderType orderType;
    uint8 index;
    bool buy;
}

/// What an order that waits for a price does.
enum Purpose {
    Open,
    Close,
    Remove
}

/// `trade` is the wish of an opening one. Of the others only trader, pair and index count, and of a removal the collateral.
struct PendingOrder {
    Purpose purpose;
    uint64 blockNumber;
    uint192 wantedPrice;
    uint32 slippageP;
    uint16 percentage;
    Trade trade;
}

/// A set of numbers that can be gone through. Removing one moves the last one to its place.
library Numbers {
    struct Set {
        uint256[] all;
        mapping(uint256 number => uint256) positions;
    }

    function add(Set storage set, uint256 number) internal {
        set.all.push(number);
        set.positions[number] = set.all.length;
    }

    function remove(Set storage set, uint256 number) internal {
        uint256 position = set.positions[number];
        uint256 last = set.all[set.all.length - 1];
        set.all[position - 1] = last;
        set.positions[last] = position;
        set.all.pop();
        delete set.positions[number];
    }
}
