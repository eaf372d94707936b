// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.30;

import "./Orders.sol";
import "./Usdc.sol";

/// Holds the collateral of traders, the vault that profits are paid from, and the records of trades and orders.
/// It decides nothing: whatever changes it comes from Trading. The vault is what it has beyond the collateral that it holds.
contract TradingStorage {
    using Numbers for Numbers.Set;

    error NoOpenLimitOrder(address trader, uint16 pairIndex, uint8 index);
    error NotTrading();

    Usdc public immutable usdc;
    address private immutable deployer;
    address public trading;

    /// Collateral of trades, of limit orders and of orders that wait for a price.
    uint256 public held;

    uint256 private lastTradeId;
    uint256 private lastOrderId;
    mapping(uint256 place => Trade) private trades;
    mapping(uint256 place => uint256) private tradeIds;
    mapping(uint256 place => uint256) private closings;
    mapping(uint256 place => OpenLimitOrder) private limits;
    mapping(uint256 orderId => PendingOrder) private pending;
    Numbers.Set private tradePlaces;
    Numbers.Set private limitPlaces;
    Numbers.Set private pendingIds;

    /// Orders of a trader that wait for a price.
    mapping(address trader => uint256) public pendingCount;
    /// Trades, limit orders and opening orders of a trader in a pair.
    mapping(address trader => mapping(uint16 pairIndex => uint256)) public placesTaken;

    constructor(Usdc token) {
        usdc = token;
        deployer = msg.sender;
    }

    modifier onlyTrading() {
        if (msg.sender != trading) revert NotTrading();
        _;
    }

    /// Once, by whoever deployed it.
    function setTrading(address contractOfRules) external {
        if (msg.sender != deployer || trading != address(0)) revert NotTrading();
        trading = contractOfRules;
    }

    // What anybody reads

    /// Leverage 0: there is none.
    function getOpenTrade(address trader, uint16 pairIndex, uint8 index) external view returns (Trade memory) {
        return trades[placeOf(trader, pairIndex, index)];
    }

    function hasOpenLimitOrder(address trader, uint16 pairIndex, uint8 index) public view returns (bool) {
        return limits[placeOf(trader, pairIndex, index)].trader != address(0);
    }

    function getOpenLimitOrder(address trader, uint16 pairIndex, uint8 index)
        external
        view
        returns (OpenLimitOrder memory)
    {
        if (!hasOpenLimitOrder(trader, pairIndex, index)) revert NoOpenLimitOrder(trader, pairIndex, index);
        return limits[placeOf(trader, pairIndex, index)];
    }

    function vault() external view returns (uint256) {
        return usdc.balanceOf(address(this)) - held;
    }

    /// The real one asks contracts of their own for the limits of pairs; here all are this one.
    function registry() external view returns (address) {
        return address(this);
    }

    function getContractAddress(bytes32) external view returns (address) {
        return address(this);
    }

    function pairMaxLeverage(uint16) external pure returns (uint32) {
        return 10000;
    }

    function pairMinLevPos(uint16) external pure returns (uint256) {
        return 0;
    }

    // What Trading asks

    function placeOf(address trader, uint16 pairIndex, uint8 index) public pure returns (uint256) {
        return (uint256(uint160(trader)) << 24) | (uint256(pairIndex) << 8) | index;
    }

    function tradeAt(uint256 place) external view returns (Trade memory) {
        return trades[place];
    }

    function limitAt(uint256 place) external view returns (OpenLimitOrder memory) {
        return limits[place];
    }

    /// An order that does not wait any more has trader 0.
    function pendingOrder(uint256 orderId) external view returns (PendingOrder memory) {
        return pending[orderId];
    }

    function tradeIdAt(uint256 place) external view returns (uint256) {
        return tradeIds[place];
    }

    /// The order that waits to close or reduce the trade; 0: none.
    function closingAt(uint256 place) external view returns (uint256) {
        return closings[place];
    }

    function tradePlacesAll() external view returns (uint256[] memory) {
        return tradePlaces.all;
    }

    function limitPlacesAll() external view returns (uint256[] memory) {
        return limitPlaces.all;
    }

    function pendingIdsAll() external view returns (uint256[] memory) {
        return pendingIds.all;
    }

    function freeTradeIndex(address trader, uint16 pairIndex) external view returns (uint8 index) {
        while (trades[placeOf(trader, pairIndex, index)].leverage != 0) index++;
    }

    function freeLimitIndex(address trader, uint16 pairIndex) external view returns (uint8 index) {
        while (hasOpenLimitOrder(trader, pairIndex, index)) index++;
    }

    // What Trading does

    function takeCollateral(address from, uint256 amount) external onlyTrading {
        held += amount;
        usdc.transferFrom(from, address(this), amount);
    }

    /// Of the collateral that is let go, what is not paid out goes to the vault, and a profit comes from there.
    function releaseCollateral(address to, uint256 collateral, uint256 payout) external onlyTrading {
        held -= collateral;
        if (payout > 0) usdc.transfer(to, payout);
    }

    function addTrade(Trade calldata trade) external onlyTrading returns (uint256) {
        uint256 place = placeOf(trade.trader, trade.pairIndex, trade.index);
        trades[place] = trade;
        tradeIds[place] = ++lastTradeId;
        tradePlaces.add(place);
        placesTaken[trade.trader][trade.pairIndex]++;
        return lastTradeId;
    }

    function changeTrade(Trade calldata trade) external onlyTrading {
        trades[placeOf(trade.trader, trade.pairIndex, trade.index)] = trade;
    }

    function removeTrade(uint256 place) external onlyTrading {
        placesTaken[trades[place].trader][trades[place].pairIndex]--;
        delete trades[place];
        delete tradeIds[place];
        tradePlaces.remove(place);
    }

    function addLimit(OpenLimitOrder calldata order) external onlyTrading {
        uint256 place = placeOf(order.trader, order.pairIndex, order.index);
        limits[place] = order;
        limitPlaces.add(place);
        placesTaken[order.trader][order.pairIndex]++;
    }

    function changeLimit(OpenLimitOrder calldata order) external onlyTrading {
        limits[placeOf(order.trader, order.pairIndex, order.index)] = order;
    }

    function removeLimit(uint256 place) external onlyTrading {
        placesTaken[limits[place].trader][limits[place].pairIndex]--;
        delete limits[place];
        limitPlaces.remove(place);
    }

    function addPending(PendingOrder calldata order) external onlyTrading returns (uint256 orderId) {
        orderId = ++lastOrderId;
        Trade calldata trade = order.trade;
        pending[orderId] = order;
        pendingIds.add(orderId);
        pendingCount[trade.trader]++;
        if (order.purpose == Purpose.Open) placesTaken[trade.trader][trade.pairIndex]++;
        else closings[placeOf(trade.trader, trade.pairIndex, trade.index)] = orderId;
    }

    function removePending(uint256 orderId) external onlyTrading {
        PendingOrder storage order = pending[orderId];
        Trade storage trade = order.trade;
        pendingCount[trade.trader]--;
        if (order.purpose == Purpose.Open) placesTaken[trade.trader][trade.pairIndex]--;
        else delete closings[placeOf(trade.trader, trade.pairIndex, trade.index)];
        delete pending[orderId];
        pendingIds.remove(orderId);
    }
}
