// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.30;

import "./AgentAccount.sol";

/// Makes accounts at addresses that are known before they are there.
contract AgentFactory {
    event AccountDeployed(address indexed account, address indexed owner, address indexed trader);

    address public immutable trading;

    constructor(address tradesAt) {
        trading = tradesAt;
    }

    function accountOf(address owner, address trader, bytes32 salt) public view returns (address) {
        bytes memory code = abi.encodePacked(type(AgentAccount).creationCode, abi.encode(owner, trader, trading));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, keccak256(code))))));
    }

    /// Deploys the account where it is not there yet.
    function deploy(address owner, address trader, bytes32 salt) public returns (AgentAccount account) {
        account = AgentAccount(accountOf(owner, trader, salt));
        if (address(account).code.length > 0) return account;
        new AgentAccount{salt: salt}(owner, trader, trading);
        emit AccountDeployed(address(account), owner, trader);
    }

    /// The account's first action: one transaction deploys it and acts.
    function act(
        address owner,
        address trader,
        bytes32 salt,
        bytes calldata inner,
        uint256 nonce,
        uint48 deadline,
        bytes calldata signature
    ) external returns (bytes memory) {
        return deploy(owner, trader, salt).act(inner, nonce, deadline, signature);
    }
}
