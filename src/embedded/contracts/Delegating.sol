// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.30;

/// One account may act for another, as long as that one lets it.
abstract contract Delegating {
    event DelegateAdded(address indexed delegator, address indexed delegate);
    event DelegateRemoved(address indexed delegator, address indexed delegate);

    error NotDelegate(address trader, address caller);
    error NoDelegate(address caller);
    error NullAddr();
    error DelegatedActionFailed();

    mapping(address delegator => address) public delegations;
    address private transient actingFor;

    function setDelegate(address delegate) external {
        if (delegate == address(0)) revert NullAddr();
        delegations[msg.sender] = delegate;
        emit DelegateAdded(msg.sender, delegate);
    }

    function removeDelegate() external {
        address delegate = delegations[msg.sender];
        if (delegate == address(0)) revert NoDelegate(msg.sender);
        delete delegations[msg.sender];
        emit DelegateRemoved(msg.sender, delegate);
    }

    /// Runs a call to this contract as if the trader had sent it. What it reverts with comes out as it is.
    function delegatedAction(address trader, bytes calldata call) external returns (bytes memory) {
        if (delegations[trader] != msg.sender) revert NotDelegate(trader, msg.sender);
        actingFor = trader;
        (bool isDone, bytes memory result) = address(this).delegatecall(call);
        actingFor = address(0);
        if (isDone) return result;
        if (result.length < 4) revert DelegatedActionFailed();
        assembly {
            revert(add(result, 32), mload(result))
        }
    }

    /// Who trades: the caller, or the one whom he acts for.
    function _trader() internal view returns (address) {
        return actingFor == address(0) ? msg.sender : actingFor;
    }
}
